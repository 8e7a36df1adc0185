// Pictures of the user's own to search with. They stay in this browser: the address holds a name
// for one, so that the back button and a reload find it again, and a link tells nobody more.

const PREFIX = "own-";
const DATABASE = "sightread";
const PICTURES = "pictures";
const KEPT = 20;

const held = new Map();

export const isOwn = (like) => Boolean(like?.startsWith(PREFIX));

export async function keep(file) {
  const parts = crypto.getRandomValues(new Uint32Array(2));
  const name = PREFIX + [...parts].map((part) => part.toString(16).padStart(8, "0")).join("");
  held.set(name, file);
  await store(name, file).catch(() => {}); // where nothing may be stored it lasts as long as the page
  return name;
}

// The picture of this name, or null where this browser does not have it any more.
export async function recall(name) {
  if (!held.has(name)) {
    const kept = await inStore("readonly", (pictures) => pictures.get(name)).catch(() => null);
    if (kept) held.set(name, new File([kept.bytes], kept.name, { type: kept.type }));
  }
  return held.get(name) ?? null;
}

async function store(name, file) {
  const bytes = await file.arrayBuffer();
  await inStore("readwrite", (pictures) => pictures.put({ bytes, name: file.name, type: file.type, at: Date.now() }, name));
  const names = await inStore("readonly", (pictures) => pictures.getAllKeys());
  if (names.length <= KEPT) return;
  const ages = await Promise.all(names.map(async (one) => [(await inStore("readonly", (pictures) => pictures.get(one)))?.at ?? 0, one]));
  ages.sort((one, other) => one[0] - other[0]);
  for (const [, one] of ages.slice(0, names.length - KEPT)) {
    await inStore("readwrite", (pictures) => pictures.delete(one));
  }
}

function inStore(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(PICTURES);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const asked = work(opening.result.transaction(PICTURES, mode).objectStore(PICTURES));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
      asked.transaction.oncomplete = () => opening.result.close();
    };
  });
}

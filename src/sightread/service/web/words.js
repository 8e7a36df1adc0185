// Numbers and evidence as people read them; the same words as on the command line.

const LANGUAGE = "en";

export const number = (value) => value.toLocaleString(LANGUAGE);

export const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

// 99.7 % is not certain: round towards doubt.
export const percent = (probability) => `${Math.floor(100 * probability + 1e-9)} %`;

export const baseName = (path) => path.slice(path.lastIndexOf("/") + 1) || path;

export const folderName = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

export function day(moment) {
  if (!moment) return "";
  return new Date(moment).toLocaleDateString(LANGUAGE, {
    year: "numeric", month: "long", day: "numeric", timeZone: "UTC",
  });
}

export function duration(seconds) {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${bytes.toPrecision(3).replace(/\.?0+$/, "")} ${units[unit]}`;
}

// "edits:2" -> "2 edits"
export function matchName(match) {
  const edits = /^edits:(\d+)$/.exec(match);
  return edits ? counted(Number(edits[1]), "edit") : match;
}

// The best of each kind of evidence, since five places of one word are one reason.
export function reasons(hit) {
  const best = new Map();
  for (const one of hit.evidence) {
    const key = `${one.channel} ${one.match} ${one.word.toLowerCase()}`;
    if (!best.has(key)) best.set(key, one);
  }
  return [...best.values()];
}

// What the other one of two readers has to say; nothing where there is only one.
function secondReading({ word, other_reading: other }) {
  if (other === null || other === undefined) return "";
  if (!other) return "one reader of two";
  const same = word.localeCompare(other, LANGUAGE, { sensitivity: "base", ignorePunctuation: true });
  return same === 0 ? "both readers" : `other reader: ${other}`;
}

// How much an encoder let the words of the picture count, and which.
function countedWords({ scene_text: told }) {
  if (!told || !told.words.length) return "";
  return `what is written counts ${told.counts.toFixed(2)}: ${told.words.join(", ")}`;
}

export function reasonText(one, hit) {
  const parts = one.channel === "written" ? [] : [one.channel];
  parts.push(matchName(one.match));
  if (hit.probability !== null && one.word) parts.push(percent(one.score));
  else if (one.score !== null) parts.push(one.score.toFixed(2));
  const second = secondReading(one);
  if (second) parts.push(second);
  const counted = countedWords(one);
  if (counted) parts.push(counted);
  return parts.join(" · ");
}

export function describe(hit) {
  const first = reasons(hit)[0];
  const why = first ? [first.word, reasonText(first, hit)].filter(Boolean).join(", ") : "";
  return [baseName(hit.path), why].filter(Boolean).join(": ");
}

// The service, as the page asks it. What goes wrong comes back as the sentence of its document.

export class Problem extends Error {
  constructor(status, detail, position = null) {
    super(detail);
    this.status = status;
    this.position = position;
  }
}

let askForToken = async () => false;

export function onMissingToken(ask) {
  askForToken = ask;
}

export async function call(path, options = {}) {
  let response = await reach(path, options);
  if (response.status === 401 && path !== "/api/session" && (await askForToken())) {
    response = await reach(path, options);
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  throw await problem(response);
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service does not answer; it may have been ended. Start it again with `sightread serve`.");
  }
}

async function problem(response) {
  try {
    const document = await response.json();
    return new Problem(response.status, document.detail, document.position ?? null);
  } catch {
    return new Problem(response.status, `The service answered ${response.status} and gave no reason.`);
  }
}

export function post(path, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function url(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.append(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export const thumbUrl = (id, side, library) => url(`/api/pictures/${id}/thumb`, { side, library });
export const imageUrl = (id, side, library) => url(`/api/pictures/${id}/image`, { side, library });
export const fileUrl = (id, library) => url(`/api/pictures/${id}/file`, { library });

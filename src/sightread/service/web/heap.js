// Many selected pictures in few letters: eight bytes for each id, as base64 without signs that an
// address gives a meaning to.

const BYTES = 8;
const AT_ONCE = 4096;

export function packed(ids) {
  const bytes = new Uint8Array(BYTES * ids.length);
  ids.forEach((id, at) => {
    for (let byte = 0; byte < BYTES; byte += 1) {
      bytes[BYTES * at + byte] = parseInt(id.slice(2 * byte, 2 * byte + 2), 16);
    }
  });
  let text = "";
  for (let from = 0; from < bytes.length; from += AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(from, from + AT_ONCE));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function unpacked(text) {
  let bytes;
  try {
    bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return []; // an address that was cut short
  }
  const ids = [];
  for (let at = 0; at + BYTES <= bytes.length; at += BYTES) {
    const codes = Array.from({ length: BYTES }, (_, byte) => bytes.charCodeAt(at + byte));
    ids.push(codes.map((code) => code.toString(16).padStart(2, "0")).join(""));
  }
  return ids;
}

// One answer, fetched in pieces as they are needed.

import { call, url } from "./api.js";

export const PIECE = 60;

export class Results {
  constructor(asked) {
    this.asked = asked;
    this.picture = null; // the user's own, to search with
    this.elsewhere = undefined; // where there is something, if there is nothing here
    this.answer = null;
    this.total = 0;
    this.pieces = new Map();
    this.loading = new Map();
    this.stop = new AbortController();
  }

  // Throws a Problem if the question cannot be answered.
  async begin() {
    this.answer = await this.fetch(0);
    this.total = this.answer.total;
    this.pieces.set(0, this.answer.results);
    return this;
  }

  get count() {
    return Math.ceil(this.total / PIECE);
  }

  has(piece) {
    return this.pieces.has(piece);
  }

  at(index) {
    return this.pieces.get(Math.floor(index / PIECE))?.[index % PIECE] ?? null;
  }

  load(piece) {
    if (this.pieces.has(piece)) return Promise.resolve();
    if (!this.loading.has(piece)) {
      const work = this.fetch(piece * PIECE)
        .then((answer) => this.pieces.set(piece, answer.results))
        .finally(() => this.loading.delete(piece));
      this.loading.set(piece, work);
    }
    return this.loading.get(piece);
  }

  indexOf(id) {
    for (const [piece, hits] of this.pieces) {
      const at = hits.findIndex((hit) => hit.id === id);
      if (at >= 0) return piece * PIECE + at;
    }
    return -1;
  }

  abandon() {
    this.stop.abort();
  }

  fetch(offset) {
    const { q, library, sort, threshold, reader, like } = this.asked;
    const page = { library, k: PIECE, offset };
    const options = { signal: this.stop.signal };
    if (this.picture) {
      const sent = { method: "POST", body: this.picture, headers: { "Content-Type": "image/*" } };
      return call(url("/api/search", page), { ...options, ...sent });
    }
    if (like) return call(url(`/api/similar/${like}`, page), options);
    return call(url("/api/search", { q, sort, threshold, reader, ...page }), options);
  }
}

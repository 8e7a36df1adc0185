// Where a picture is on the screen: fitted, zoomed, moved and turned. Pure geometry, in pixels.

export const CLOSEST = 12;

export class Turning {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.reset();
    this.quarters = 0;
  }

  reset() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  turn() {
    this.quarters = (this.quarters + 1) % 4;
    this.reset();
  }

  // The size of the picture, before it is turned and zoomed, that fits into a window.
  fitted(windowWidth, windowHeight) {
    const lying = this.quarters % 2 === 1;
    const across = lying ? this.height : this.width;
    const down = lying ? this.width : this.height;
    const scale = Math.min(windowWidth / across, windowHeight / down, 3);
    return { w: this.width * scale, h: this.height * scale };
  }

  // Zoom so that what is under (x, y), measured from the middle of the window, stays there.
  zoomAt(factor, x, y) {
    const zoom = Math.min(CLOSEST, Math.max(1, this.zoom * factor));
    const change = zoom / this.zoom;
    this.x = x - (x - this.x) * change;
    this.y = y - (y - this.y) * change;
    this.zoom = zoom;
    if (zoom === 1) this.reset();
  }

  // No farther than that half of the picture stays in the window.
  move(dx, dy, size) {
    const limitX = (this.zoom * Math.max(size.w, size.h)) / 2;
    this.x = Math.min(limitX, Math.max(-limitX, this.x + dx));
    this.y = Math.min(limitX, Math.max(-limitX, this.y + dy));
  }

  get transform() {
    return `translate(-50%, -50%) translate(${this.x}px, ${this.y}px) rotate(${90 * this.quarters}deg) scale(${this.zoom})`;
  }
}

/** Colour maps for drawings on a canvas. */

/** matplotlib's magma (van der Walt and Smith, CC0), 17 stops: as light as it is loud. */
const MAGMA = ("0000040a08221d114736106b51127c6a1c818326819c2e7fb73779d0416fe75263f56b5c" +
  "fc8961fea772fec488fde2a3fcfdbf").match(/../g).map((two) => parseInt(two, 16));

/** Red, green and blue of 256 levels of loudness. */
export const magma = table((level) => {
  const at = (level / 255) * 16;
  const stop = Math.min(15, Math.floor(at));
  return [0, 1, 2].map((i) => {
    const [low, high] = [MAGMA[3 * stop + i], MAGMA[3 * stop + 3 + i]];
    return low + (high - low) * (at - stop);
  });
});

/** For what lies under an overlay: darkest where loudest. */
export const grey = table((level) => Array(3).fill(250 - 0.66 * level));

/** Towards yes and towards no: orange and blue, told apart by all. */
export const YES = [214, 96, 0];
export const NO = [0, 104, 196];

function table(colour) {
  const rgb = new Uint8ClampedArray(768);
  for (let level = 0; level < 256; level++) rgb.set(colour(level), 3 * level);
  return rgb;
}

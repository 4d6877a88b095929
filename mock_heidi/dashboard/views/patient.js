/** @type {import('../parts/app.js').Open} */
export async function openPatient(_route, _signal) {
  throw new Error('later');
}

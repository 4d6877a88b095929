// Files to send where a person has none at hand.

const RATE = 8000;
const PAGE = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`;

/**
 * A sample for a part of a form: a second of silence for audio, an empty page for a document.
 *
 * @param {string} part the name of the part
 */
export function sample(part) {
  if (part === 'file') return silence();
  return new File([PAGE], 'letter.pdf', { type: 'application/pdf' });
}

/** A WAV file with a second of silence: 8 bits, mono. */
function silence() {
  const bytes = new Uint8Array(44 + RATE).fill(128, 44);
  const view = new DataView(bytes.buffer);
  const put = (/** @type {number} */ at, /** @type {string} */ text) => bytes.set(new TextEncoder().encode(text), at);
  put(0, 'RIFF');
  view.setUint32(4, 36 + RATE, true);
  put(8, 'WAVEfmt ');
  // The length of this part, PCM, one channel, the rate, bytes per second, bytes per sample, bits per sample.
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  put(36, 'data');
  view.setUint32(40, RATE, true);
  return new File([bytes], 'silence.wav', { type: 'audio/wav' });
}

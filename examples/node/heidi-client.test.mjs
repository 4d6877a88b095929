import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { HeidiClient } from "./heidi-client.mjs";
import { start } from "./mock-heidi.mjs";

const PATIENT = "5eb7cf5a86d9755df3a6c593"; // of the packaged fixtures
let server, heidi, client;

before(async () => {
  server = await start();
});
after(() => server.stop());

beforeEach(async () => {
  heidi = await server.namespace();
  client = new HeidiClient(heidi.baseUrl, heidi.apiKey);
  await client.signIn();
});
afterEach(() => heidi.remove());

test("the pieces are shown", async () => {
  let shown = "";
  const note = await client.writeNote(await client.createSession(PATIENT), (piece) => (shown += piece));
  assert.match(note, /^Patient/);
  assert.equal(shown, note);
});

test("the whole note is kept when its stream ends early", async () => {
  const session = await client.createSession(PATIENT);
  const fault = await heidi.fault({ operation: "generate_consult_note", end_after: 3 });
  const note = await client.writeNote(session, () => {});
  assert.equal(note, (await heidi.session(session)).consult_note.result);
  await heidi.verify({ noticed: { fault: fault.id } });
});

// Signs in, makes a session and asks Heidi, with types that openapi-typescript has made of the contract. Prints JSON.

import createClient from "openapi-fetch";
import type { components, paths } from "./contract.js";

declare const process: { argv: string[] };

function given<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const [baseUrl, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl });

const query = { email: "test@heidihealth.com", third_party_internal_id: "123" };
const { token } = given(await client.GET("/jwt", { params: { query }, headers: { "Heidi-Api-Key": key } }));
client.use({ onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${token}`) });

const { session_id } = given(await client.POST("/sessions", { body: {} }));
const path = { session_id };
const { session } = given(await client.GET("/sessions/{session_id}", { params: { path } }));
const gender: components["schemas"]["Gender"] | null = session.patient.gender;

const body = { ai_command_text: "Shorten", content: "A long paragraph of text", content_type: "MARKDOWN" } as const;
const stream = given(await client.POST("/sessions/{session_id}/ask-ai", { params: { path }, body, parseAs: "stream" }));
const reader = stream!.pipeThrough(new TextDecoderStream()).getReader();
let text = "";
for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;

console.log(JSON.stringify({ session_id, gender, text }));

// A client of the Heidi Open API: it signs in, creates a session and writes its note.

const NOTE = {
  generation_method: "TEMPLATE",
  template_id: "659b8042fe093d6592b41ef7",
  addition: "",
  voice_style: "BRIEF",
  brain: "LEFT",
};

export class HeidiClient {
  constructor(baseUrl, apiKey) {
    this.baseUrl = baseUrl;
    this.apiKey = apiKey;
  }

  async signIn() {
    const user = new URLSearchParams({ email: "dr.lee@example.com", third_party_internal_id: "lee" });
    const answer = await fetch(`${this.baseUrl}/jwt?${user}`, { headers: { "Heidi-Api-Key": this.apiKey } });
    if (!answer.ok) throw new Error(`sign-in: status ${answer.status}`);
    this.token = (await answer.json()).token;
  }

  async createSession(patientId) {
    const answer = await this.#send("POST", "/sessions", { patient_profile_id: patientId });
    return (await answer.json()).session_id;
  }

  /** The pieces of a new note, as they come. */
  async *streamNote(sessionId) {
    const answer = await this.#send("POST", `/sessions/${sessionId}/consult-note`, NOTE);
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data: ")) yield JSON.parse(line.slice("data: ".length)).data;
      }
    }
  }

  async readNote(sessionId) {
    const answer = await this.#send("GET", `/sessions/${sessionId}`);
    return (await answer.json()).session.consult_note.result;
  }

  /** The whole note. While it is written, its pieces go to `show`. */
  async writeNote(sessionId, show) {
    for await (const piece of this.streamNote(sessionId)) show(piece);
    // A stream that ends early looks like a complete one, so the pieces may be half a note.
    return this.readNote(sessionId);
  }

  async #send(method, path, body) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    const answer = await fetch(this.baseUrl + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: status ${answer.status}`);
    return answer;
  }
}

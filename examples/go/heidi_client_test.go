package heidi

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

const patient = "5eb7cf5a86d9755df3a6c593" // of the packaged fixtures

func TestThePiecesAreShown(t *testing.T) {
	client, session := begin(t)
	var shown strings.Builder
	note, err := client.WriteNote(session, &shown)
	if err != nil || !strings.HasPrefix(note, "Patient") || shown.String() != note {
		t.Fatalf("note %q, shown %q, error %v", note, shown.String(), err)
	}
}

func TestTheWholeNoteIsKeptWhenItsStreamEndsEarly(t *testing.T) {
	client, session := begin(t)
	fault := control(t, "POST", "/faults", `{"operation": "generate_consult_note", "end_after": 3}`)
	note, err := client.WriteNote(session, io.Discard)
	stored := control(t, "GET", "/sessions/"+session, "")["consult_note"].(map[string]any)["result"]
	if err != nil || note != stored {
		t.Fatalf("note %q, not %q, error %v", note, stored, err)
	}
	control(t, "POST", "/verify", `{"noticed": {"fault": "`+fault["id"].(string)+`"}}`)
}

// begin resets the mock and returns a client with a new session.
func begin(t *testing.T) (*Client, string) {
	t.Helper()
	control(t, "POST", "/reset", "")
	client, err := SignIn(os.Getenv("HEIDI_BASE_URL"), os.Getenv("HEIDI_API_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.CreateSession(patient)
	if err != nil {
		t.Fatal(err)
	}
	return client, session
}

// control returns the answer of an endpoint of mock_heidi's control API. The test fails if it refuses, as an unmet
// expectation does.
func control(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	request, err := http.NewRequest(method, os.Getenv("MOCK_HEIDI_URL")+"/_mock"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v", method, path, text, err)
	}
	var found map[string]any
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// Package heidi is a client of the Heidi Open API: it signs in, creates a session and writes its note.
package heidi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

var note = map[string]string{
	"generation_method": "TEMPLATE",
	"template_id":       "659b8042fe093d6592b41ef7",
	"addition":          "",
	"voice_style":       "BRIEF",
	"brain":             "LEFT",
}

// Client is signed in.
type Client struct {
	baseURL string
	header  http.Header
}

// SignIn returns a client with a fresh token.
func SignIn(baseURL, apiKey string) (*Client, error) {
	client := &Client{baseURL, http.Header{"Heidi-Api-Key": {apiKey}}}
	user := url.Values{"email": {"dr.lee@example.com"}, "third_party_internal_id": {"lee"}}
	var answer struct{ Token string }
	if err := client.json("GET", "/jwt?"+user.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	client.header = http.Header{"Authorization": {"Bearer " + answer.Token}, "Content-Type": {"application/json"}}
	return client, nil
}

// CreateSession returns the id of a new session.
func (c *Client) CreateSession(patientID string) (string, error) {
	var answer struct {
		SessionID string `json:"session_id"`
	}
	err := c.json("POST", "/sessions", map[string]string{"patient_profile_id": patientID}, &answer)
	return answer.SessionID, err
}

// StreamNote writes the pieces of a new note to show, as they come.
func (c *Client) StreamNote(sessionID string, show io.Writer) error {
	body, err := c.send("POST", "/sessions/"+sessionID+"/consult-note", note)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		var piece struct{ Data string }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &piece); err != nil {
			return err
		}
		if _, err := io.WriteString(show, piece.Data); err != nil {
			return err
		}
	}
	return lines.Err()
}

// ReadNote returns the note that the session has.
func (c *Client) ReadNote(sessionID string) (string, error) {
	var answer struct {
		Session struct {
			ConsultNote struct{ Result string } `json:"consult_note"`
		}
	}
	err := c.json("GET", "/sessions/"+sessionID, nil, &answer)
	return answer.Session.ConsultNote.Result, err
}

// WriteNote returns the whole note. While it is written, its pieces go to show.
func (c *Client) WriteNote(sessionID string, show io.Writer) (string, error) {
	if err := c.StreamNote(sessionID, show); err != nil {
		return "", err
	}
	// A stream that ends early looks like a complete one, so the pieces may be half a note.
	return c.ReadNote(sessionID)
}

func (c *Client) json(method, path string, body, answer any) error {
	read, err := c.send(method, path, body)
	if err != nil {
		return err
	}
	defer read.Close()
	return json.NewDecoder(read).Decode(answer)
}

func (c *Client) send(method, path string, body any) (io.ReadCloser, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.baseURL+path, content)
	if err != nil {
		return nil, err
	}
	request.Header = c.header
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s %s: %s", method, path, answer.Status)
	}
	return answer.Body, nil
}

// Go: net/http.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
)

const (
	base = "https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api"
	key  = "mock-heidi-key"
	note = `{"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": "",
		"voice_style": "BRIEF", "brain": "LEFT"}`
)

func ask(method, url string, headers map[string]string, body string) (io.Reader, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// value is a field of the JSON of an answer.
func value(name, method, url string, headers map[string]string, body string) string {
	answer, err := ask(method, url, headers, body)
	if err != nil {
		panic(err)
	}
	var fields map[string]any
	if err := json.NewDecoder(answer).Decode(&fields); err != nil {
		panic(err)
	}
	return fields[name].(string)
}

func main() {
	if _, err := ask("GET", "https://first.invalid/", nil, ""); err == nil || !strings.Contains(err.Error(), "serves only") {
		fmt.Println(err)
		os.Exit(9)
	}

	user := "email=a%40b.example&third_party_internal_id=1"
	token := value("token", "GET", base+"/jwt?"+user, map[string]string{"Heidi-Api-Key": key}, "")
	headers := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
	session := value("session_id", "POST", base+"/sessions", headers, "{}")
	for turn := 0; turn < 2; turn++ {
		answer, err := ask("POST", base+"/sessions/"+session+"/consult-note", headers, note)
		if err != nil {
			panic(err)
		}
		pieces, lines := 0, bufio.NewScanner(answer)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") {
				pieces++
			}
		}
		end := ""
		if errors.Is(lines.Err(), syscall.ECONNRESET) {
			end = ", ECONNRESET"
		} else if lines.Err() != nil {
			end = ", " + lines.Err().Error()
		}
		fmt.Printf("%d pieces%s\n", pieces, end)
	}
}

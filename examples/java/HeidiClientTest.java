import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Without JUnit, so that the JDK is enough. */
final class HeidiClientTest {
    private static final String PATIENT = "5eb7cf5a86d9755df3a6c593"; // of the packaged fixtures

    public static void main(String[] args) throws Exception {
        thePiecesAreShown();
        theWholeNoteIsKeptWhenItsStreamEndsEarly();
    }

    private static void thePiecesAreShown() throws Exception {
        HeidiClient client = begin();
        StringBuilder shown = new StringBuilder();
        String note = client.writeNote(client.createSession(PATIENT), shown::append);
        check(note.startsWith("Patient"), "the note is: " + note);
        check(shown.toString().equals(note), "shown: " + shown);
    }

    private static void theWholeNoteIsKeptWhenItsStreamEndsEarly() throws Exception {
        HeidiClient client = begin();
        String session = client.createSession(PATIENT);
        String fault = control("POST", "/faults", "{\"operation\": \"generate_consult_note\", \"end_after\": 3}");
        String note = client.writeNote(session, piece -> { });
        check(note.equals(Json.string(control("GET", "/sessions/" + session, ""), "result")), "the note is: " + note);
        control("POST", "/verify", "{\"noticed\": {\"fault\": \"" + Json.string(fault, "id") + "\"}}");
    }

    /** A client of a mock that is reset. */
    private static HeidiClient begin() throws Exception {
        control("POST", "/reset", "");
        return new HeidiClient(System.getenv("HEIDI_BASE_URL"), System.getenv("HEIDI_API_KEY"));
    }

    /** The answer of an endpoint of mock_heidi's control API. Fails if it refuses, as an unmet expectation does. */
    private static String control(String method, String path, String body) throws IOException, InterruptedException {
        URI uri = URI.create(System.getenv("MOCK_HEIDI_URL") + "/_mock" + path);
        HttpRequest request = HttpRequest.newBuilder(uri).method(method, BodyPublishers.ofString(body)).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        check(answer.statusCode() == 200, method + " " + path + ": " + answer.body());
        return answer.body();
    }

    private static void check(boolean holds, String message) {
        if (!holds) {
            throw new AssertionError(message);
        }
    }
}

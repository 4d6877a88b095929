import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A client of the Heidi Open API: it signs in, creates a session and writes its note. */
final class HeidiClient {
    private static final String NOTE = """
        {
          "generation_method": "TEMPLATE",
          "template_id": "659b8042fe093d6592b41ef7",
          "addition": "",
          "voice_style": "BRIEF",
          "brain": "LEFT"
        }
        """;

    private final HttpClient http = HttpClient.newHttpClient();
    private final String baseUrl;
    private final String token;

    HeidiClient(String baseUrl, String apiKey) throws IOException, InterruptedException {
        this.baseUrl = baseUrl;
        String email = URLEncoder.encode("dr.lee@example.com", StandardCharsets.UTF_8);
        URI uri = URI.create(baseUrl + "/jwt?third_party_internal_id=lee&email=" + email);
        HttpRequest request = HttpRequest.newBuilder(uri).header("Heidi-Api-Key", apiKey).build();
        token = Json.string(send(request, BodyHandlers.ofString()), "token");
    }

    String createSession(String patientId) throws IOException, InterruptedException {
        HttpRequest request = post("/sessions", "{\"patient_profile_id\": \"" + patientId + "\"}");
        return Json.string(send(request, BodyHandlers.ofString()), "session_id");
    }

    /** Gives the pieces of a new note to {@code show}, as they come. */
    void streamNote(String sessionId, Consumer<String> show) throws IOException, InterruptedException {
        HttpRequest request = post("/sessions/" + sessionId + "/consult-note", NOTE);
        try (Stream<String> lines = send(request, BodyHandlers.ofLines())) {
            for (Iterator<String> each = lines.iterator(); each.hasNext(); ) {
                String line = each.next();
                if (line.startsWith("data: ")) {
                    show.accept(Json.string(line, "data"));
                }
            }
        }
    }

    String readNote(String sessionId) throws IOException, InterruptedException {
        return Json.string(send(to("/sessions/" + sessionId).build(), BodyHandlers.ofString()), "result");
    }

    /** The whole note. While it is written, its pieces go to {@code show}. */
    String writeNote(String sessionId, Consumer<String> show) throws IOException, InterruptedException {
        streamNote(sessionId, show);
        // A stream that ends early looks like a complete one, so the pieces may be half a note.
        return readNote(sessionId);
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(baseUrl + path)).header("Authorization", "Bearer " + token);
    }

    private HttpRequest post(String path, String body) {
        return to(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    }

    private <T> T send(HttpRequest request, BodyHandler<T> handler) throws IOException, InterruptedException {
        HttpResponse<T> answer = http.send(request, handler);
        if (answer.statusCode() != 200) {
            throw new IOException(request.uri() + ": status " + answer.statusCode());
        }
        return answer.body();
    }
}

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Iterator;
import java.util.stream.Stream;

/** Java: HttpClient. */
final class Client {
    private static final String BASE = "https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api";
    private static final String KEY = "mock-heidi-key";
    private static final String NOTE = """
        {"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": "",
         "voice_style": "BRIEF", "brain": "LEFT"}""";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        try {
            lines("GET", "https://first.invalid/", "", "X-Nothing", "");
            System.exit(9);
        } catch (IOException error) {
            if (!error.toString().contains("502")) {
                throw error;
            }
        }

        String user = "email=a%40b.example&third_party_internal_id=1";
        String token = value("token", lines("GET", BASE + "/jwt?" + user, "", "Heidi-Api-Key", KEY));
        String bearer = "Bearer " + token;
        String session = value("session_id", lines("POST", BASE + "/sessions", "{}", "Authorization", bearer));
        for (int turn = 0; turn < 2; turn++) {
            int pieces = 0;
            String end = "";
            String url = BASE + "/sessions/" + session + "/consult-note";
            try (Stream<String> lines = lines("POST", url, NOTE, "Authorization", bearer)) {
                for (Iterator<String> each = lines.iterator(); each.hasNext(); ) {
                    if (each.next().startsWith("data: ")) {
                        pieces++;
                    }
                }
            } catch (UncheckedIOException error) {
                end = ", " + error.getCause().getClass().getSimpleName();
            }
            System.out.println(pieces + " pieces" + end);
        }
    }

    private static Stream<String> lines(String method, String url, String body, String header, String value)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
            .method(method, BodyPublishers.ofString(body))
            .header(header, value)
            .header("Content-Type", "application/json")
            .build();
        return HTTP.send(request, BodyHandlers.ofLines()).body();
    }

    /** The text of a field of the JSON in lines. */
    private static String value(String name, Stream<String> lines) {
        String json = String.join("", lines.toList());
        return json.replaceFirst(".*\"" + name + "\": *\"", "").replaceFirst("\".*", "");
    }
}

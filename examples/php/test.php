<?php

declare(strict_types=1);

require __DIR__ . '/HeidiClient.php';

const PATIENT = '5eb7cf5a86d9755df3a6c593'; // of the packaged fixtures

$tests = [
    'the pieces are shown' => function (HeidiClient $client): void {
        $shown = '';
        $note = $client->writeNote($client->createSession(PATIENT), function (string $piece) use (&$shown) {
            $shown .= $piece;
        });
        check(str_starts_with($note, 'Patient'), "the note is: $note");
        check($shown === $note, "shown: $shown");
    },
    'the whole note is kept when its stream ends early' => function (HeidiClient $client): void {
        $session = $client->createSession(PATIENT);
        $fault = control('POST', '/faults', ['operation' => 'generate_consult_note', 'end_after' => 3]);
        $note = $client->writeNote($session, fn (string $piece) => null);
        check($note === control('GET', "/sessions/$session")['consult_note']['result'], "the note is: $note");
        control('POST', '/verify', ['noticed' => ['fault' => $fault['id']]]);
    },
];

foreach ($tests as $name => $test) {
    echo "$name: ";
    control('POST', '/reset');
    $test(new HeidiClient(getenv('HEIDI_BASE_URL'), getenv('HEIDI_API_KEY')));
    echo "ok\n";
}

function check(bool $holds, string $message): void
{
    $holds || throw new RuntimeException($message);
}

/** The answer of an endpoint of mock_heidi's control API. Throws if it refuses, as an unmet expectation does. */
function control(string $method, string $path, ?array $body = null): array
{
    $curl = curl_init(getenv('MOCK_HEIDI_URL') . "/_mock$path");
    curl_setopt_array($curl, [CURLOPT_CUSTOMREQUEST => $method, CURLOPT_RETURNTRANSFER => true]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body));
    }
    $answer = (string) curl_exec($curl);
    check(curl_getinfo($curl, CURLINFO_RESPONSE_CODE) === 200, "$method $path: $answer");
    return json_decode($answer, true);
}

<?php

declare(strict_types=1);

/** A client of the Heidi Open API: it signs in, creates a session and writes its note. */
final class HeidiClient
{
    private const NOTE = [
        'generation_method' => 'TEMPLATE',
        'template_id' => '659b8042fe093d6592b41ef7',
        'addition' => '',
        'voice_style' => 'BRIEF',
        'brain' => 'LEFT',
    ];

    /** @var string[] */
    private array $headers;

    public function __construct(private readonly string $baseUrl, string $apiKey)
    {
        $user = http_build_query(['email' => 'dr.lee@example.com', 'third_party_internal_id' => 'lee']);
        $this->headers = ["Heidi-Api-Key: $apiKey"];
        $token = $this->json('GET', "/jwt?$user")['token'];
        $this->headers = ["Authorization: Bearer $token", 'Content-Type: application/json'];
    }

    public function createSession(string $patientId): string
    {
        return $this->json('POST', '/sessions', ['patient_profile_id' => $patientId])['session_id'];
    }

    /** Calls $show with the pieces of a new note, as they come. */
    public function streamNote(string $sessionId, callable $show): void
    {
        $rest = '';
        $this->send('POST', "/sessions/$sessionId/consult-note", self::NOTE, function (string $bytes) use (&$rest, $show) {
            $lines = explode("\n", $rest . $bytes);
            $rest = array_pop($lines);
            foreach ($lines as $line) {
                if (str_starts_with($line, 'data: ')) {
                    $show(json_decode(substr($line, strlen('data: ')), true, flags: JSON_THROW_ON_ERROR)['data']);
                }
            }
        });
    }

    public function readNote(string $sessionId): string
    {
        return $this->json('GET', "/sessions/$sessionId")['session']['consult_note']['result'];
    }

    /** The whole note. While it is written, its pieces go to $show. */
    public function writeNote(string $sessionId, callable $show): string
    {
        $this->streamNote($sessionId, $show);
        // A stream that ends early looks like a complete one, so the pieces may be half a note.
        return $this->readNote($sessionId);
    }

    private function json(string $method, string $path, ?array $body = null): array
    {
        $text = '';
        $this->send($method, $path, $body, function (string $bytes) use (&$text) {
            $text .= $bytes;
        });
        return json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    }

    private function send(string $method, string $path, ?array $body, callable $read): void
    {
        $curl = curl_init($this->baseUrl . $path);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => $this->headers,
            CURLOPT_FAILONERROR => true,
            CURLOPT_WRITEFUNCTION => function ($_, string $bytes) use ($read): int {
                $read($bytes);
                return strlen($bytes);
            },
        ]);
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body, JSON_THROW_ON_ERROR));
        }
        if (curl_exec($curl) === false) {
            throw new RuntimeException("$method $path: " . curl_error($curl));
        }
    }
}

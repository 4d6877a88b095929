<?php

// PHP: client.php LIBRARY. Each library gives the body of an answer in parts, and throws an error.

declare(strict_types=1);

const BASE = 'https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api';
const KEY = 'mock-heidi-key';
const NOTE = [
    'generation_method' => 'TEMPLATE',
    'template_id' => '659b8042fe093d6592b41ef7',
    'addition' => '',
    'voice_style' => 'BRIEF',
    'brain' => 'LEFT',
];

function ofCurl(string $method, string $url, array $headers, string $body, callable $read): void
{
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => array_map(fn ($name) => "$name: $headers[$name]", array_keys($headers)),
        CURLOPT_WRITEFUNCTION => function ($_, string $part) use ($read): int {
            $read($part);
            return strlen($part);
        },
    ]);
    if ($body !== '') {
        curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
    }
    if (curl_exec($curl) === false) {
        throw new RuntimeException(curl_error($curl), curl_errno($curl));
    }
}

function ofGuzzle(string $method, string $url, array $headers, string $body, callable $read): void
{
    require_once 'GuzzleHttp/autoload.php';
    $options = ['headers' => $headers, 'body' => $body, 'stream' => true];
    $parts = (new GuzzleHttp\Client())->request($method, $url, $options)->getBody();
    while (!$parts->eof()) {
        $read($parts->read(1024));
    }
}

function whole(mixed ...$arguments): array
{
    $text = '';
    LIBRARIES[$GLOBALS['argv'][1]](...[...$arguments, function (string $part) use (&$text) {
        $text .= $part;
    }]);
    return json_decode($text, true, flags: JSON_THROW_ON_ERROR);
}

const LIBRARIES = ['curl' => 'ofCurl', 'Guzzle' => 'ofGuzzle'];

try {
    LIBRARIES[$argv[1]]('GET', 'https://first.invalid/', [], '', 'strlen');
    exit(9);
} catch (Exception $error) {
    // Guzzle calls a refusal of the proxy so, since it streams without curl.
    if (!preg_match('/502|Connection refused/', $error->getMessage())) {
        echo $error->getMessage();
        exit(9);
    }
}

$user = 'email=a%40b.example&third_party_internal_id=1';
$token = whole('GET', BASE . "/jwt?$user", ['Heidi-Api-Key' => KEY], '')['token'];
$headers = ['Authorization' => "Bearer $token", 'Content-Type' => 'application/json'];
$session = whole('POST', BASE . '/sessions', $headers, '{}')['session_id'];
for ($turn = 0; $turn < 2; $turn++) {
    $text = '';
    $end = '';
    try {
        $read = function (string $part) use (&$text) {
            $text .= $part;
        };
        LIBRARIES[$argv[1]]('POST', BASE . "/sessions/$session/consult-note", $headers, json_encode(NOTE), $read);
    } catch (Exception $error) {
        $end = ', ' . ($error->getCode() === CURLE_RECV_ERROR ? 'CURLE_RECV_ERROR' : $error->getMessage());
    }
    echo substr_count($text, 'data: '), " pieces$end\n";
}

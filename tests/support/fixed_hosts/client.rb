# Ruby: client.rb LIBRARY. Each library yields the body of an answer in parts, and raises its own errors.
require "json"

BASE = "https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api"
KEY = "mock-heidi-key"
NOTE = {
  generation_method: "TEMPLATE",
  template_id: "659b8042fe093d6592b41ef7",
  addition: "",
  voice_style: "BRIEF",
  brain: "LEFT"
}.to_json

def of_net_http(verb, url, headers, body, &read)
  require "net/http"
  uri = URI(url)
  Net::HTTP.start(uri.host, uri.port, use_ssl: true) do |http|
    request = Net::HTTPGenericRequest.new(verb, !body.nil?, true, uri.request_uri, headers)
    request.body = body
    http.request(request) { |answer| answer.read_body(&read) }
  end
end

def of_faraday(verb, url, headers, body, &read)
  require "faraday"
  Faraday.run_request(verb.downcase.to_sym, url, body, headers) do |request|
    request.options.on_data = proc { |part, _| read.call(part) }
  end
end

LIBRARIES = {"Net::HTTP" => :of_net_http, "Faraday" => :of_faraday}

def whole(*arguments)
  text = +""
  send(LIBRARIES.fetch(ARGV[0]), *arguments) { |part| text << part }
  JSON.parse(text)
end

begin
  send(LIBRARIES.fetch(ARGV[0]), "GET", "https://first.invalid/", {}, nil) { |part| part }
  abort "first.invalid has answered"
rescue StandardError
  exit 9 unless defined?(MockHeidiHook)
end

user = "email=a%40b.example&third_party_internal_id=1"
token = whole("GET", "#{BASE}/jwt?#{user}", {"Heidi-Api-Key" => KEY}, nil)["token"]
headers = {"Authorization" => "Bearer #{token}", "Content-Type" => "application/json"}
session = whole("POST", "#{BASE}/sessions", headers, "{}")["session_id"]
2.times do
  text = +""
  ending = ""
  begin
    send(LIBRARIES.fetch(ARGV[0]), "POST", "#{BASE}/sessions/#{session}/consult-note", headers, NOTE) do |part|
      text << part
    end
  rescue StandardError => error
    ending = ", #{error.class}"
  end
  puts "#{text.scan("data: ").size} pieces#{ending}"
end

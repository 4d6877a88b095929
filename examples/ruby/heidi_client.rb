# A client of the Heidi Open API: it signs in, creates a session and writes its note.

require "json"
require "net/http"

class HeidiClient
  NOTE = {
    generation_method: "TEMPLATE",
    template_id: "659b8042fe093d6592b41ef7",
    addition: "",
    voice_style: "BRIEF",
    brain: "LEFT"
  }.freeze

  def initialize(base_url, api_key)
    @base_url = base_url
    user = URI.encode_www_form(email: "dr.lee@example.com", third_party_internal_id: "lee")
    @headers = {"Heidi-Api-Key" => api_key}
    token = JSON.parse(send_request(Net::HTTP::Get, "/jwt?#{user}").body)["token"]
    @headers = {"Authorization" => "Bearer #{token}", "Content-Type" => "application/json"}
  end

  def create_session(patient_id)
    JSON.parse(send_request(Net::HTTP::Post, "/sessions", {patient_profile_id: patient_id}).body)["session_id"]
  end

  # Yields the pieces of a new note, as they come.
  def stream_note(session_id)
    rest = String.new
    send_request(Net::HTTP::Post, "/sessions/#{session_id}/consult-note", NOTE) do |answer|
      answer.read_body do |bytes|
        rest << bytes
        while (line = rest.slice!(/\A.*\n/))
          yield JSON.parse(line.delete_prefix("data: "))["data"] if line.start_with?("data: ")
        end
      end
    end
  end

  def read_note(session_id)
    JSON.parse(send_request(Net::HTTP::Get, "/sessions/#{session_id}").body).dig("session", "consult_note", "result")
  end

  # Returns the whole note. While it is written, its pieces are yielded.
  def write_note(session_id)
    stream_note(session_id) { |piece| yield piece }
    # A stream that ends early looks like a complete one, so the pieces may be half a note.
    read_note(session_id)
  end

  private

  def send_request(kind, path, body = nil)
    uri = URI(@base_url + path)
    request = kind.new(uri, @headers)
    request.body = JSON.generate(body) if body
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https") do |http|
      http.request(request) do |answer|
        answer.value # raises an error unless the status is 2xx
        yield answer if block_given?
      end
    end
  end
end

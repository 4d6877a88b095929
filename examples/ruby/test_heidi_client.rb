require "minitest/autorun"
require_relative "heidi_client"

class HeidiClientTest < Minitest::Test
  PATIENT = "5eb7cf5a86d9755df3a6c593" # of the packaged fixtures

  def setup
    control("POST", "/reset")
    @client = HeidiClient.new(ENV.fetch("HEIDI_BASE_URL"), ENV.fetch("HEIDI_API_KEY"))
  end

  def test_the_pieces_are_shown
    shown = +""
    note = @client.write_note(@client.create_session(PATIENT)) { |piece| shown << piece }
    assert note.start_with?("Patient")
    assert_equal note, shown
  end

  def test_the_whole_note_is_kept_when_its_stream_ends_early
    session = @client.create_session(PATIENT)
    fault = control("POST", "/faults", {operation: "generate_consult_note", end_after: 3})
    note = @client.write_note(session) { |piece| piece }
    assert_equal control("GET", "/sessions/#{session}").dig("consult_note", "result"), note
    control("POST", "/verify", {noticed: {fault: fault["id"]}})
  end

  # The answer of an endpoint of mock_heidi's control API. Fails if it refuses, as an unmet expectation does.
  def control(verb, path, body = nil)
    uri = URI("#{ENV.fetch("MOCK_HEIDI_URL")}/_mock#{path}")
    answer = Net::HTTP.start(uri.host, uri.port) { |http| http.send_request(verb, uri.path, body&.to_json) }
    assert_equal "200", answer.code, answer.body
    JSON.parse(answer.body)
  end
end

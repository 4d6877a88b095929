# curl
set -eu
base=https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api
key=mock-heidi-key
note='{"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": "", "voice_style": "BRIEF", "brain": "LEFT"}'

first=$(curl -sS https://first.invalid/ 2>&1) && exit 9
case $first in *502*) ;; *) exit 9 ;; esac

value() { sed "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/"; }
token=$(curl -sf -H "Heidi-Api-Key: $key" "$base/jwt?email=a%40b.example&third_party_internal_id=1" | value token)
ask() { curl -sN -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }
session=$(ask -f -d '{}' "$base/sessions" | value session_id)
for _ in 1 2; do
  status=0
  text=$(ask -d "$note" "$base/sessions/$session/consult-note") || status=$?
  pieces=$(echo "$text" | grep -c '^data: ')
  case $status in
    0) echo "$pieces pieces" ;;
    56) echo "$pieces pieces, CURLE_RECV_ERROR" ;;
    *) echo "$pieces pieces, status $status" ;;
  esac
done

#!/bin/sh
# Writes what compose.yml reads, beside it: asks for what WeChat gave you, makes up the rest. What is there already is
# left as it is, so it can be run again.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

# The folder keeps strangers out; a file itself is readable, for the user inside the container is another one.
keep() { [ -s "secrets/$1" ] || { printf '%s' "$2" > "secrets/$1"; chmod 644 "secrets/$1"; }; }
random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
ask() {
    printf '%s: ' "$1" >&2
    IFS= read -r answer || true
    [ -n "$answer" ] || { echo "it must not be empty; nothing was written for it" >&2; exit 2; }
}
ask_secret() { [ -s "secrets/$1" ] || { ask "$2"; keep "$1" "$answer"; }; }

keep db_password "$(random)"
keep database_url "postgresql+psycopg://triage:$(cat secrets/db_password)@db:5432/triage"
keep api_key "$(random)"
[ -s .env ] || { ask 'AppID'; printf 'TRIAGE_WECHAT_APPID=%s\n' "$answer" > .env; }
ask_secret wechat_token 'Token (the word you chose for the server setting)'
ask_secret wechat_aes_key 'EncodingAESKey (43 characters)'
ask_secret wechat_secret 'AppSecret'

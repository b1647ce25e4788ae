/** Plugins that are programs, written in Python. */

/** Python that can speak the protocol: `hello`, `frames`, `send`, `signed`. */
const PRELUDE = `#!/usr/bin/env python3
import base64, json, os, signal, subprocess, sys, time

HELLO = {
    "type": "hello", "protocol": 1, "contract": 1, "name": "demo", "version": "1.0",
    "signer": {"summary": "Sign somehow", "options": [], "payload": "pae"},
}
KEY = """\\
KEY_PEM"""

def send(frame):
    sys.stdout.write(json.dumps(frame) + "\\n")
    sys.stdout.flush()

def frames():
    for line in sys.stdin:
        yield json.loads(line)

def hello(**changes):
    frame = next(frames())
    send({**HELLO, **changes})
    return frame

def openssl(*args, given=None):
    with open("key.pem", "w") as file:
        file.write(KEY)
    return subprocess.run(["openssl", *args], input=given, stdout=subprocess.PIPE, check=True).stdout

def signed(request, **changes):
    payload = request["payload"]
    if "file" in payload:
        signature = openssl("dgst", "-sha256", "-sign", "key.pem", payload["file"])
    else:
        digest = bytes.fromhex(payload["sha256"])
        signature = openssl("pkeyutl", "-sign", "-inkey", "key.pem", "-pkeyopt", "digest:sha256", given=digest)
    public_key = openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
    return {
        "type": "signed", "id": request["id"], "algorithm": "ecdsa-p256-sha256",
        "signature": base64.b64encode(signature).decode(),
        "publicKey": base64.b64encode(public_key).decode(),
        **changes,
    }

`;

/** A program that runs this Python code. @param key a P-256 key, PEM */
export function programSource(code: string, key = ""): string {
  return `${PRELUDE.replace("KEY_PEM", key)}${code}\n`;
}

/** Code that says hello and answers every sign request with this expression. */
export function answering(expression: string, helloArguments = ""): string {
  return `hello(${helloArguments})
for request in frames():
    if request["type"] == "sign":
        send(${expression})`;
}

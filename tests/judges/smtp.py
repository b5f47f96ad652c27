"""A mail server written by others (aiosmtpd), for the tests of notify::email.

    smtp.py none|starttls|tls  auth|open  CERT KEY

Writes `port N`, then one line of JSON per mail taken. The recipient decides what it does: `busy@…`
is answered 451, `nobody@…` 550, `drop@…` is taken and the connection cut without an answer, `hang@…`
is never answered. Ends when its input does.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = b"firebell", b"hunter2"


def say(text):
    print(text, flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith("busy@"):
            return "451 4.3.2 later"
        if to.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if to.startswith("hang@"):
            await asyncio.sleep(3600)
        from email import message_from_bytes, policy

        mail = message_from_bytes(envelope.original_content, policy=policy.default)
        say(json.dumps({
            "to": to,
            "from": envelope.mail_from,
            "subject": str(mail["subject"]),
            "id": str(mail["message-id"]),
            "auto": str(mail["auto-submitted"]),
            "body": mail.get_content(),
            "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "user": None if not session.authenticated else USER.decode(),
        }))
        if to.startswith("drop@"):
            server.transport.abort()
            await asyncio.sleep(3600)
        return "250 2.0.0 taken"


def authenticator(server, session, envelope, mechanism, auth):
    good = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False)


async def main(mode, auth, cert, key):
    context = None
    if mode != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    login = {}
    if auth == "auth":
        login = {"authenticator": authenticator, "auth_required": True, "auth_require_tls": mode == "starttls"}

    def one():
        starttls = {"tls_context": context, "require_starttls": True} if mode == "starttls" else {}
        return SMTP(Handler(), hostname="judge", **login, **starttls)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(one, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    say(f"port {server.sockets[0].getsockname()[1]}")
    await loop.run_in_executor(None, sys.stdin.read)


# The thread that reads the input must not keep a hanging answer alive.
try:
    asyncio.run(main(*sys.argv[1:5]))
except KeyboardInterrupt:
    pass

"""Slack's own clients against our stand-in for Slack.

Started by tests/it/slack_judged.rs, which plays the people. Prints a line for every step; ends with
an error at the first thing that is not as Slack has it.

    slack.py web|socket|http BASE_URL BOT_TOKEN APP_TOKEN SIGNING_SECRET
"""

import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier

MODE, BASE_URL, BOT_TOKEN, APP_TOKEN, SECRET = sys.argv[1:6]


def tell(line):
    print(line, flush=True)


def client(token=BOT_TOKEN):
    return WebClient(token=token, base_url=BASE_URL)


def refused(call, error):
    """The call is refused with this code."""
    try:
        call()
    except SlackApiError as e:
        assert e.response["error"] == error, f"{e.response['error']} instead of {error}"
        return e.response
    raise AssertionError(f"{error} was expected")


def plain(text):
    return {"type": "plain_text", "text": text}


def button(text="Acknowledge", action_id="ack", value="one-time-id"):
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value}


def card(text="*checkout* is slow"):
    return [
        {"type": "header", "text": plain("Incident 1")},
        {"type": "section", "block_id": "what", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "block_id": "do", "elements": [button()]},
    ]


def modal():
    return {
        "type": "modal",
        "callback_id": "declare",
        "title": plain("Declare"),
        "submit": plain("Send"),
        "close": plain("Cancel"),
        "private_metadata": "incident-1",
        "blocks": [
            {
                "type": "input",
                "block_id": "what",
                "label": plain("What"),
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
    }


def home(text):
    return {"type": "home", "blocks": [{"type": "section", "text": plain(text)}]}


# --------------------------------------------------------------------------------------- Web API


def people(c):
    me = c.auth_test()
    assert me["user_id"] and me["bot_id"] and me["team_id"]
    assert "chat:write" in me.headers["x-oauth-scopes"].split(",")
    refused(lambda: client("xoxb-none").auth_test(), "invalid_auth")
    names = {}
    for page in c.users_list(limit=2):
        names.update({u["name"]: u["id"] for u in page["members"]})
    assert {"ana", "bo", "cy", "dee", "firebell"} <= set(names), names
    ana = c.users_info(user=names["ana"])["user"]
    assert not ana["is_bot"] and not ana["is_restricted"] and not ana["deleted"]
    assert c.users_lookupByEmail(email="ana@acme.test")["user"]["id"] == names["ana"]
    refused(lambda: c.users_lookupByEmail(email="nobody@acme.test"), "users_not_found")
    refused(lambda: c.users_info(user="U404"), "user_not_found")
    assert c.usergroups_list(include_users=True)["usergroups"][0]["users"] == [names["ana"]]
    tell("people")
    return me, names


def channels(c, me, names):
    room = c.conversations_create(name="inc-1-checkout")["channel"]["id"]
    refused(lambda: c.conversations_create(name="inc-1-checkout"), "name_taken")
    refused(lambda: c.conversations_create(name="Inc 1"), "invalid_name_specials")
    c.conversations_invite(channel=room, users=[names["ana"], names["bo"]])
    told = refused(lambda: c.conversations_invite(channel=room, users=names["bo"]), "already_in_channel")
    assert told["errors"][0]["user"] == names["bo"]
    refused(lambda: c.conversations_invite(channel=room, users=me["user_id"]), "cant_invite_self")
    c.conversations_kick(channel=room, user=names["bo"])
    c.conversations_setTopic(channel=room, topic="sev1, ana leads")
    c.conversations_setPurpose(channel=room, purpose="to mend checkout")
    info = c.conversations_info(channel=room)["channel"]
    assert info["topic"]["value"] == "sev1, ana leads" and info["is_member"], info
    assert info["purpose"]["value"] == "to mend checkout"
    assert set(c.conversations_members(channel=room)["members"]) == {me["user_id"], names["ana"]}
    c.conversations_rename(channel=room, name="inc-1")
    listed = [ch["name"] for page in c.conversations_list(limit=1) for ch in page["channels"]]
    assert listed == ["general", "random", "inc-1"], listed
    assert [ch["id"] for ch in c.users_conversations()["channels"]] == [room]
    direct = c.conversations_open(users=names["ana"])["channel"]["id"]
    assert direct.startswith("D") and c.conversations_close(channel=direct)["ok"]
    general = [ch["id"] for ch in c.conversations_list()["channels"] if ch["name"] == "general"][0]
    refused(lambda: c.chat_postMessage(channel=general, text="x"), "not_in_channel")
    c.conversations_join(channel=general)
    refused(lambda: c.conversations_leave(channel=general), "cant_leave_general")
    secret = c.conversations_create(name="secret", is_private=True)["channel"]
    assert secret["is_private"]
    c.conversations_leave(channel=secret["id"])
    refused(lambda: c.conversations_info(channel=secret["id"]), "channel_not_found")
    tell("channels")
    return room


def messages(c, room, names):
    meta = {"event_type": "firebell_delivery", "event_payload": {"d": "42"}}
    said = c.chat_postMessage(channel=room, text="checkout is slow", blocks=card(), metadata=meta)
    ts = said["ts"]
    assert said["message"]["text"] == "checkout is slow" and said["channel"] == room
    for block in Block.parse_all(said["message"]["blocks"]):
        block.validate_json()
    c.chat_postMessage(channel=room, text="in the thread", thread_ts=ts)
    found = c.conversations_history(channel=room, include_all_metadata=True, oldest=str(float(ts) - 1), limit=15)
    assert [m["ts"] for m in found["messages"] if m.get("metadata") == meta] == [ts]
    replies = c.conversations_replies(channel=room, ts=ts)["messages"]
    assert [m["text"] for m in replies] == ["checkout is slow", "in the thread"]
    assert c.chat_update(channel=room, ts=ts, text="mended", blocks=card("mended"))["text"] == "mended"
    alone = c.chat_postEphemeral(channel=room, user=names["ana"], text="psst")
    assert alone["message_ts"]
    refused(lambda: c.chat_postEphemeral(channel=room, user=names["cy"], text="x"), "user_not_in_channel")
    assert c.chat_getPermalink(channel=room, message_ts=ts)["permalink"].endswith(ts.replace(".", ""))
    c.reactions_add(channel=room, timestamp=ts, name="eyes")
    refused(lambda: c.reactions_add(channel=room, timestamp=ts, name="eyes"), "already_reacted")
    c.pins_add(channel=room, timestamp=ts)
    refused(lambda: c.pins_add(channel=room, timestamp=ts), "already_pinned")
    assert c.pins_list(channel=room)["items"][0]["message"]["ts"] == ts
    c.pins_remove(channel=room, timestamp=ts)
    gone = c.chat_postMessage(channel=names["bo"], text="paged")
    c.chat_delete(channel=gone["channel"], ts=gone["ts"])
    refused(lambda: c.chat_update(channel=room, ts="1.000001", text="x"), "message_not_found")
    refused(lambda: c.chat_postMessage(channel=room, text="x" * 40001), "msg_too_long")
    mark = c.bookmarks_add(channel_id=room, title="Console", type="link", link="https://x/1")["bookmark"]
    c.bookmarks_edit(channel_id=room, bookmark_id=mark["id"], title="Incident", link="https://x/2")
    assert c.bookmarks_list(channel_id=room)["bookmarks"][0]["title"] == "Incident"
    c.bookmarks_remove(channel_id=room, bookmark_id=mark["id"])
    tell("messages")


def files_and_views(c, room, names):
    shared = c.files_upload_v2(channel=room, content="# Postmortem", filename="pm.md", title="Postmortem")
    assert shared["files"][0]["title"] == "Postmortem"
    shown = c.views_publish(user_id=names["ana"], view=home("nothing is burning"))["view"]
    View(**{k: shown[k] for k in ("type", "blocks")}).validate_json()
    c.views_publish(user_id=names["ana"], view=home("all is well"), hash=shown["hash"])
    refused(lambda: c.views_publish(user_id=names["ana"], view=home("x"), hash=shown["hash"]), "hash_conflict")
    refused(lambda: c.views_open(trigger_id="1.2.x", view=modal()), "invalid_trigger_id")
    refused(lambda: c.views_push(trigger_id="1.2.x", view=modal()), "invalid_trigger_id")
    refused(lambda: c.views_update(view_id="V404", view=modal()), "not_found")
    tell("files and views")


def limits(c, room):
    """What slack_sdk's models refuse, the workspace refuses too, and the other way about."""
    long = lambda n: "x" * n
    actions = lambda *e: {"type": "actions", "elements": list(e)}
    many = [button(action_id=f"a{n}") for n in range(26)]
    bad = [
        {"type": "header", "text": plain(long(151))},
        {"type": "section", "text": plain(long(3001))},
        {"type": "section", "fields": [plain("x")] * 11},
        {"type": "section"},
        {"type": "divider", "block_id": long(256)},
        actions(*many),
        actions(button(action_id=long(256))),
        {"type": "image", "image_url": long(3001), "alt_text": "x"},
    ]
    good = [
        {"type": "header", "text": plain(long(150))},
        {"type": "section", "text": plain(long(3000))},
        {"type": "section", "fields": [plain("x")] * 10},
        {"type": "divider", "block_id": long(255)},
        actions(*many[:25]),
        actions(button(action_id=long(255), value=long(2000))),
    ]

    def model(block):
        try:
            parsed = Block.parse(block)
            parsed.validate_json()
            for element in getattr(parsed, "elements", None) or []:
                element.validate_json()
        except SlackObjectFormationError:
            return False
        return True

    for block in bad:
        assert not model(block), f"slack_sdk takes {block}"
        refused(lambda b=block: c.chat_postMessage(channel=room, text="t", blocks=[b]), "invalid_blocks")
    for block in good:
        assert model(block), f"slack_sdk refuses {block}"
        c.chat_postMessage(channel=room, text="t", blocks=[block])
    tell("limits")


def tokens():
    """A token runs out after its time and is exchanged; the second use of a refresh token fails."""
    refresh, client_id, secret = sys.argv[6:9]
    c = client(None)
    args = dict(client_id=client_id, client_secret=secret, grant_type="refresh_token")
    new = c.oauth_v2_access(**args, refresh_token=refresh)
    assert client(new["access_token"]).auth_test()["ok"] and new["expires_in"] > 0
    refused(lambda: c.oauth_v2_access(**args, refresh_token=refresh), "invalid_refresh_token")
    refused(lambda: client().auth_test(), "token_expired")
    tell("tokens")
    return client(new["access_token"])


def web():
    c = client()
    me, names = people(c)
    room = channels(c, me, names)
    messages(c, room, names)
    files_and_views(c, room, names)
    limits(c, room)
    c = tokens()
    c.conversations_archive(channel=room)
    refused(lambda: c.conversations_archive(channel=room), "already_archived")
    refused(lambda: c.chat_postMessage(channel=room, text="x"), "is_archived")
    refused(lambda: c.conversations_unarchive(channel=room), "not_in_channel")
    opened = client(APP_TOKEN).apps_connections_open(app_token=APP_TOKEN)
    assert opened["url"].startswith("ws://")
    tell("done")


# ------------------------------------------------------------------------------------------ Bolt


def bolt():
    """An app as anybody writes one; what it hears it tells, so that the test can look."""
    app = App(client=client(), signing_secret=SECRET)

    @app.command("/firebell")
    def command(ack, body, client, respond):
        ack("on it")
        if body["text"] == "declare":
            client.views_open(trigger_id=body["trigger_id"], view=modal())
        elif body["text"] == "say":
            respond(text="said to all", response_type="in_channel")
        tell(f"command {body['text']} by {body['user_name']} in {body['channel_name']}")

    @app.action("ack")
    def clicked(ack, body, respond, action):
        ack()
        assert action["value"] == "one-time-id" and body["message"]["ts"] == body["container"]["message_ts"]
        respond(text=f"{body['user']['name']} has it", replace_original=True)
        tell("clicked")

    @app.view("declare")
    def declared(ack, view, body, client):
        text = view["state"]["values"]["what"]["text"]["value"]
        assert view["private_metadata"] == "incident-1"
        if text == "?":
            ack(response_action="errors", errors={"what": "say what it is"})
        else:
            ack()
            client.chat_postMessage(channel=body["user"]["id"], text=f"declared: {text}")
        tell(f"declared {text}")

    @app.shortcut("add_to_timeline")
    def shortcut(ack, body, client):
        ack()
        args = dict(channel=body["channel"]["id"], user=body["user"]["id"])
        client.chat_postEphemeral(text=f"noted: {body['message']['text']}", **args)
        tell("shortcut")

    @app.event("app_home_opened")
    def opened(event, client):
        client.views_publish(user_id=event["user"], view=home("welcome"))
        tell("home")

    @app.event("reaction_added")
    def reacted(event):
        tell(f"reaction {event['reaction']}")

    @app.event({"type": "message", "subtype": "message_changed"})
    def changed(event):
        if "bot_id" not in event["message"]:
            tell(f"changed to {event['message']['text']}")

    @app.event("app_mention")
    def mentioned(event, say):
        say("you called?", thread_ts=event["ts"])
        tell("mentioned")

    @app.event("message")
    def message(event):
        if event.get("subtype") is None:
            tell(f"message {event['text']}")

    @app.error
    def failed(error):
        tell(f"ERROR {error!r}")

    return app


def until_told():
    """The test says `quit`."""
    for line in sys.stdin:
        if line.strip() == "quit":
            tell("done")
            return


def over_socket():
    app = bolt()
    handler = SocketModeHandler(app, APP_TOKEN, web_client=client(APP_TOKEN), ping_interval=1)
    handler.connect()
    tell("ready")
    until_told()
    handler.close()


def over_http():
    app = bolt()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            request = BoltRequest(body=body, headers={k: [v] for k, v in self.headers.items()})
            response = app.dispatch(request)
            content = response.body.encode()
            self.send_response(response.status)
            for name, value in response.first_headers_without_set_cookie().items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    check_signatures()
    tell(f"ready {server.server_port}")
    until_told()
    server.shutdown()


def check_signatures():
    """The signature of the stand-in is checked by Bolt; here is that ours would not pass unsigned."""
    verifier = SignatureVerifier(SECRET)
    assert not verifier.is_valid("{}", "1531420618", "v0=00")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    {"web": web, "socket": over_socket, "http": over_http}[MODE]()
    sys.stdout.flush()

"""Judges the Discord stand-in with discord.py: a client written by others, used as its authors mean it.

Called by the test with the stand-in's address, token, server and user; exits non-zero at the first thing
that is not as discord.py expects. What people do is asked for by cues, messages in `#cues`, which the test
carries out. The script's own name must not shadow the package, so the folder is taken out of the path.
"""

import asyncio
import io
import os
import sys
import traceback

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import discord  # noqa: E402
import yarl  # noqa: E402
from discord import app_commands  # noqa: E402

ORIGIN, TOKEN, GUILD, USER = sys.argv[1:5]
PATIENCE = 20

discord.http.Route.BASE = f"{ORIGIN}/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(ORIGIN.replace("http", "ws") + "/gateway")


def same(have, want, what):
    if have != want:
        raise AssertionError(f"{what}: {have!r} instead of {want!r}")


class Note(discord.ui.Modal, title="Note"):
    what = discord.ui.TextInput(label="What", style=discord.TextStyle.paragraph, max_length=200)

    def __init__(self, judge):
        super().__init__()
        self.judge = judge

    async def on_submit(self, interaction):
        same(self.what.value, "it is the cache", "text of the form")
        await interaction.response.edit_message(content="Checkout: it is the cache")
        self.judge.tell("form", interaction)


class Card(discord.ui.View):
    def __init__(self, judge):
        super().__init__(timeout=None)
        self.judge = judge

    @discord.ui.button(label="Add a note", style=discord.ButtonStyle.primary, custom_id="note:1")
    async def note(self, interaction, _button):
        await interaction.response.send_modal(Note(self.judge))

    @discord.ui.select(placeholder="Severity", custom_id="sev:1", options=[
        discord.SelectOption(label="One", value="sev1"), discord.SelectOption(label="Two", value="sev2")])
    async def severity(self, interaction, select):
        same(select.values, ["sev2"], "chosen value")
        await interaction.response.defer()
        await interaction.edit_original_response(content="Checkout is sev2")
        self.judge.tell("severity", interaction)


class Judge(discord.Client):
    def __init__(self):
        intents = discord.Intents.default()
        intents.message_content = True
        intents.members = True
        super().__init__(intents=intents, max_ratelimit_timeout=60)
        self.tree = app_commands.CommandTree(self)
        self.heard = {}
        self.commands()

    def commands(self):
        group = app_commands.Group(name="fb", description="Incidents")

        @group.command(description="Take it")
        async def ack(interaction: discord.Interaction, incident: app_commands.Range[int, 1]):
            same(incident, 7, "number of the incident")
            await interaction.response.send_message("You have it.", ephemeral=True)
            same((await interaction.original_response()).flags.ephemeral, True, "ephemeral")
            self.tell("ack", interaction)

        @group.command(description="Run an action")
        async def run(interaction: discord.Interaction, action: str, who: discord.Member):
            same((action, str(who.id)), ("restart", USER), "options of run")
            callback = await interaction.response.defer(thinking=True)
            same(callback.is_thinking(), True, "thinking")
            await interaction.edit_original_response(content="Restarting.")
            await interaction.followup.send("Restarted.", ephemeral=True)
            self.tell("run", interaction)

        @run.autocomplete("action")
        async def actions(interaction: discord.Interaction, current: str):
            self.tell("typed", interaction)
            return [app_commands.Choice(name="Restart", value="restart")] if current == "res" else []

        @app_commands.context_menu(name="Add to timeline")
        async def timeline(interaction: discord.Interaction, message: discord.Message):
            same(message.content, "for the timeline", "message of the menu")
            await interaction.response.send_message("Noted.", ephemeral=True)
            self.tell("menu", interaction)

        self.tree.add_command(group)
        self.tree.add_command(timeline)

        @self.tree.error
        async def broken(_interaction, error):
            self.tell("broken", error)

    def queue(self, name):
        return self.heard.setdefault(name, asyncio.Queue())

    def tell(self, name, what=None):
        self.queue(name).put_nowait(what)

    async def hears(self, name):
        got = asyncio.create_task(self.queue(name).get())
        broken = asyncio.create_task(self.queue("broken").get())
        done, _ = await asyncio.wait({got, broken}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        broken.cancel()
        if got not in done:
            raise AssertionError(f"heard no {name}") from (broken.result() if broken in done else None)
        return got.result()

    async def on_error(self, _event, *_args, **_kwargs):
        self.tell("broken", sys.exc_info()[1])

    async def on_ready(self):
        self.tell("ready")

    async def on_resumed(self):
        self.tell("resumed")

    async def on_message(self, message):
        if message.author.id != self.user.id:
            self.tell("message", message)

    async def on_raw_message_edit(self, payload):
        if payload.message.author.id != self.user.id:
            self.tell("edit", payload)

    async def on_raw_message_delete(self, payload):
        self.tell("delete", payload)

    async def on_raw_reaction_add(self, payload):
        if payload.user_id != self.user.id:
            self.tell("reaction", payload)

    async def on_guild_channel_pins_update(self, channel, _at):
        self.tell("pins", channel)

    async def on_guild_channel_create(self, channel):
        self.tell("created", channel)

    async def on_guild_channel_update(self, _before, after):
        self.tell("updated", after)

    async def on_guild_channel_delete(self, channel):
        self.tell("deleted", channel)

    async def on_member_join(self, member):
        self.tell("join", member)

    async def on_guild_remove(self, guild):
        self.tell("left", guild)

    async def cue(self, what):
        await discord.utils.get(self.home.text_channels, name="cues").send(what)

    async def judge(self):
        await self.hears("ready")
        self.home = self.get_guild(int(GUILD))
        self.general = discord.utils.get(self.home.text_channels, name="general")
        for part in [self.beginning, self.asked, self.card, self.rooms, self.words, self.people, self.pace,
                     self.refusals, self.broken_lines, self.ending]:
            print("judging:", part.__name__, flush=True)
            await part()

    async def beginning(self):
        same(self.application_id, self.user.id, "application")
        same(self.home.name, "Acme", "server")
        same(self.home.me.guild_permissions.manage_channels, True, "own right to make rooms")
        same(self.application_flags.gateway_message_content_limited, True, "flag of the content intent")
        here = discord.Object(int(GUILD))
        self.tree.copy_global_to(guild=here)
        same(len(await self.tree.sync(guild=here)), 2, "commands registered")
        fetched = await self.tree.fetch_commands(guild=here)
        same(sorted(c.name for c in fetched), ["Add to timeline", "fb"], "commands fetched")
        group = next(c for c in fetched if c.name == "fb")
        run = next(o for o in group.options if o.name == "run")
        same([(o.name, o.required, o.autocomplete) for o in run.options],
             [("action", True, True), ("who", True, False)], "options fetched")

    async def asked(self):
        await self.cue("ack")
        interaction = await self.hears("ack")
        same(str(interaction.user.id), USER, "who asked")
        same(interaction.permissions.send_messages, True, "rights of who asked")
        same(interaction.app_permissions.manage_channels, True, "own rights in the room")
        same(interaction.context.guild, True, "context")
        await self.cue("typed")
        await self.hears("typed")
        await self.cue("run")
        await self.hears("run")
        await self.cue("menu")
        await self.hears("menu")
        same((await self.hears("message")).content, "for the timeline", "said before the menu was used")

    async def card(self):
        sent = await self.general.send("Checkout is down", view=Card(self))
        await self.cue("press")
        await self.hears("form")
        same((await self.general.fetch_message(sent.id)).content, "Checkout: it is the cache", "after the form")
        await self.cue("choose")
        await self.hears("severity")
        same((await self.general.fetch_message(sent.id)).content, "Checkout is sev2", "after the menu")

    async def rooms(self):
        category = await self.home.create_category("Incidents")
        hidden = {self.home.default_role: discord.PermissionOverwrite(view_channel=False),
                  self.home.me: discord.PermissionOverwrite(view_channel=True)}
        room = await self.home.create_text_channel("INC 1 Checkout!", topic="fb:1", category=category,
                                                   overwrites=hidden, reason="incident 1")
        same((room.name, room.topic, room.category_id), ("inc-1-checkout", "fb:1", category.id), "new room")
        same(room.overwrites_for(self.home.default_role).view_channel, False, "who sees it not")
        await self.hears("created"), await self.hears("created")
        room = await room.edit(topic="fb:1 resolved", name="inc-1-resolved")
        same((room.name, room.topic), ("inc-1-resolved", "fb:1 resolved"), "changed room")
        same((await self.hears("updated")).name, "inc-1-resolved", "told of the change")
        same((await self.fetch_channel(room.id)).topic, "fb:1 resolved", "fetched room")
        await room.delete()
        same((await self.hears("deleted")).id, room.id, "told of the end")
        same(len(await self.home.fetch_channels()), 3, "rooms left")

    async def words(self):
        room = await self.home.create_text_channel("words")
        embed = discord.Embed(title="Checkout", description="@everyone is down", timestamp=discord.utils.utcnow())
        embed.add_field(name="Severity", value="sev2").set_footer(text="fb:1")
        quiet = discord.AllowedMentions.none()
        first = await room.send("once", embed=embed, nonce="abc", allowed_mentions=quiet, silent=True)
        again = await room.send("once", embed=embed, nonce="abc", allowed_mentions=quiet)
        same((again.id, first.nonce), (first.id, "abc"), "same nonce, same message")
        same(first.embeds[0].fields[0].value, "sev2", "field")
        same(first.mention_everyone, False, "mentions")
        edited = await first.edit(content="twice", allowed_mentions=quiet)
        same((edited.content, edited.edited_at is not None), ("twice", True), "edited")
        await first.pin()
        same([m.id async for m in room.pins()], [first.id], "pinned")
        same((await self.hears("pins")).id, room.id, "told of the pin")
        await first.unpin()
        same([m.id async for m in room.pins()], [], "not pinned")
        await first.add_reaction("📌")
        same([str(r.emoji) for r in (await room.fetch_message(first.id)).reactions], ["📌"], "reacted")
        await first.remove_reaction("📌", self.user)
        log = await first.reply("the log", file=discord.File(io.BytesIO(b"hello"), "log.txt", description="tail"),
                                allowed_mentions=quiet)
        same([(a.filename, a.size, a.description) for a in log.attachments], [("log.txt", 5, "tail")], "file")
        same(log.reference.message_id, first.id, "reference")
        same([m.id async for m in room.history(limit=10)], [log.id, first.id], "history")
        await log.delete()
        same((await self.hears("delete")).message_id, log.id, "told of the deletion")
        same([m.id async for m in room.history(limit=10, oldest_first=True)], [first.id], "history after")

    async def people(self):
        await self.cue("says")
        said = await self.hears("message")
        same((said.content, str(said.author.id), said.guild.id), ("it is the cache", USER, self.home.id), "said")
        same((await self.hears("edit")).data["content"], "it is not", "edited by a person")
        same(str((await self.hears("reaction")).emoji), "📌", "reaction of a person")
        await self.cue("joins")
        same((await self.hears("join")).name, "bo", "who joined")
        ana = await self.home.fetch_member(int(USER))
        same((await self.fetch_user(ana.id)).name, "ana", "fetched user")
        await ana.send("You are paged")
        await self.cue("answers")
        answer = await self.hears("message")
        same((answer.content, answer.guild), ("on it", None), "answer in a conversation of two")

    async def pace(self):
        room = await self.home.create_text_channel("pace")
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*[room.send(f"line {n}") for n in range(7)])
        same(asyncio.get_running_loop().time() - begun > 1.5, True, "seven lines take longer than the limit's window")
        same(len([m async for m in room.history(limit=10)]), 7, "lines that arrived")
        for cue in ["limit", "shared limit", "trouble"]:
            await self.cue(cue)
            await self.general.send(f"through {cue}")

    async def refused(self, doing, kind, code):
        try:
            await doing
        except kind as refusal:
            same(refusal.code, code, str(refusal))
            return refusal
        raise AssertionError(f"was not refused with {code}")

    async def refusals(self):
        secret = discord.PartialMessageable(self._connection, int(sys.argv[5]))
        await self.refused(secret.send("hello"), discord.Forbidden, 50001)
        nowhere = discord.PartialMessageable(self._connection, 1)
        await self.refused(nowhere.send("hello"), discord.NotFound, 10003)
        refusal = await self.refused(self.general.send("x" * 2001), discord.HTTPException, 50035)
        same("content: Must be 2000 or fewer in length." in refusal.text, True, refusal.text)
        await self.refused(self.general.fetch_message(1), discord.NotFound, 10008)

    async def broken_lines(self):
        for way in ["reconnect", "drop", "op 9", "close 4000"]:
            await self.cue(f"lose: {way}")
            await self.hears("resumed")
            same((await self.hears("message")).content, f"after {way}", "said while the line was broken")
        await self.cue("lose: session")
        await self.hears("ready")
        await self.cue("ack")
        await self.hears("ack")

    async def ending(self):
        await self.cue("kick")
        same((await self.hears("left")).name, "Other", "left")


async def main():
    judge = Judge()
    async with judge:
        running = asyncio.create_task(judge.start(TOKEN))
        judging = asyncio.create_task(judge.judge())
        done, _ = await asyncio.wait({running, judging}, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            running.result()
            raise AssertionError("discord.py gave up")
        judging.result()
        running.cancel()


try:
    discord.utils.setup_logging(level=30)
    asyncio.run(main())
except BaseException:
    traceback.print_exc()
    sys.exit(1)
print("discord.py is content")

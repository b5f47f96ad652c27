// discord-digital-twin with one guild. What people do comes from the test, by the twin's own names:
// `{do: "clickButton", channel, user, with: {…}}`; without a user it is a question to the channel.

import { installed, loopbackOnly, serve, tell } from './loopback.mjs'

/** A text channel, and a conversation of two. */
const TEXT = 0
const DIRECT = 1

const port = loopbackOnly()
const { DigitalDiscord } = await installed('discord-digital-twin/dist/index.js')
const people = { ana: '2001', bo: '2002', cy: '2003', dee: '2004' }
const twin = new DigitalDiscord({
  guild: { id: '1001', name: 'Example', ownerId: '2001' },
  channels: [{ id: '3001', name: 'general', type: TEXT }],
  users: Object.entries(people).map(([username, id]) => ({ id, username })),
  botUser: { id: '2000', username: 'firebell' },
  botToken: 'twin-token',
})
await twin.start()
// The twin keeps messages of such conversations, and has no call that begins one.
const direct = {}
for (const [n, id] of Object.values(people).entries()) {
  direct[id] = String(4001 + n)
  await twin.prisma.channel.create({ data: { id: direct[id], type: DIRECT } })
}
tell({
  port: await port,
  guild: twin.guildId,
  bot: twin.botUserId,
  token: twin.botToken,
  people,
  direct,
})
await serve(async (asked) => {
  const place = twin.channel(asked.channel)
  return asked.user ? place.user(asked.user)[asked.do](asked.with) : place[asked.do](asked.with)
})

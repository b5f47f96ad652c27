// The Slack part of `emulate`, seeded with the JSON of the second argument.

import { installed, loopbackOnly, serve, tell } from './loopback.mjs'

const port = loopbackOnly()
const { createEmulator } = await installed('emulate/dist/api.js')
await createEmulator({ service: 'slack', port: 0, seed: { slack: JSON.parse(process.argv[3]) } })
tell({ port: await port })
await serve(() => null)

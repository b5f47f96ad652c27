// What the drivers share. Both emulators would listen on every interface and have no setting for it;
// here they listen on 127.0.0.1, on a free port.

import net from 'node:net'

/** Makes every server of this process listen on loopback; resolves to the port of the first. */
export function loopbackOnly() {
  const listen = net.Server.prototype.listen
  return new Promise((resolve) => {
    net.Server.prototype.listen = function (asked, ...rest) {
      const port = typeof asked === 'object' && asked !== null ? asked.port : asked
      const done = rest.filter((part) => typeof part === 'function')
      this.once('listening', () => resolve(this.address().port))
      return listen.call(this, { port, host: '127.0.0.1' }, ...done)
    }
  })
}

/** The entry of a package below the folder named by the first argument. */
export function installed(path) {
  return import(`${process.argv[2]}/${path}`)
}

/** One line of JSON to the test. Whatever else is printed goes to stderr. */
export function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Carries out what the test asks, a line of JSON at a time; ends with it, when stdin is closed. */
export async function serve(carryOut) {
  let rest = ''
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      try {
        tell({ done: (await carryOut(JSON.parse(line))) ?? null })
      } catch (error) {
        tell({ failed: String(error?.stack ?? error) })
      }
    }
  }
  process.exit(0)
}

console.log = console.info = console.error

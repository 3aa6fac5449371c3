// npm run pretest && node build/docs/examples/git-upload-pack.js .   (the folder of a repository)
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { type Framed, type Packet, type PacketToSend, framed, pktLine } from 'asynchat'

export interface Ref {
  readonly id: string
  readonly name: string
  /** What an annotated tag is of. */
  readonly peeled?: string
}

type Git = Framed<Packet, PacketToSend>

/**
 * The refs of a local repository, HEAD among them, as `git upload-pack` tells a client that fetches.
 *
 * In version 2 of the protocol (gitprotocol-v2(5)) it says what it can, and is asked for refs; in version 0
 * (gitprotocol-pack(5)) it tells them at once. Which one it is to be goes into the environment: a git that has never
 * heard of it is of version 0.
 */
export async function listRefs(folder: string, { version = 2 } = {}): Promise<Ref[]> {
  const child = spawn('git', ['upload-pack', '--', folder], { env: { ...process.env, GIT_PROTOCOL: `version=${version}` } })
  const closed = new Promise((resolve) => void child.once('close', resolve))
  const complaint = text(child.stderr)
  const git: Git = framed({ readable: child.stdout, writable: child.stdin }, pktLine)
  child.once('error', (error) => git.destroy(error))
  try {
    const hello = await readSection(git)
    const isVersion2 = hello[0] === 'version 2'
    if (isVersion2) askForRefs(git, hello)
    const refs = isVersion2 ? readRefs(await readSection(git)) : readAdvertisement(hello)
    // A flush where a command is expected is a goodbye.
    git.end({ type: 'flush' })
    await finished(git, { readable: false })
    return refs
  } catch (error) {
    throw new Error(`Cannot list the refs of ${folder}: ${(await complaint) || String(error)}`.trim(), { cause: error })
  } finally {
    git.destroy()
    await closed
  }
}

/** The lines up to a packet that is no line. */
async function readSection(git: Git): Promise<string[]> {
  const lines: string[] = []
  for await (const packet of git.iterator({ destroyOnReturn: false })) {
    if (packet.type !== 'data') return lines
    const line = String(packet.data).replace(/\n$/, '')
    if (line.startsWith('ERR ')) throw new Error(line)
    lines.push(line)
  }
  throw new Error('git has ended')
}

function askForRefs(git: Git, capabilities: readonly string[]): void {
  const format = capabilities.find((one) => one.startsWith('object-format='))
  const lines = ['command=ls-refs', ...(format === undefined ? [] : [format]), null, 'peel', 'symrefs']
  for (const line of lines) git.write(line === null ? { type: 'delim' } : { type: 'data', data: `${line}\n` })
  git.write({ type: 'flush' })
}

/** `<id> <name>`, then attributes: `peeled:<id>`, `symref-target:<name>`. */
function readRefs(lines: readonly string[]): Ref[] {
  return lines.map((line) => {
    const [id = '', name = '', ...attributes] = line.split(' ')
    const peeled = attributes.find((one) => one.startsWith('peeled:'))?.slice('peeled:'.length)
    return { id, name, ...(peeled === undefined ? {} : { peeled }) }
  })
}

/** `<id> <name>`, behind the first one a zero and what git can; what a tag is of follows it as `<id> <name>^{}`. No refs: `version 1`, and `shallow <id>`. */
function readAdvertisement(lines: readonly string[]): Ref[] {
  const refs: Ref[] = []
  for (const line of lines) {
    const [id = '', name = ''] = (line.split('\0')[0] as string).split(' ')
    if (name.endsWith('^{}')) {
      const tag = refs.pop()
      if (tag !== undefined) refs.push({ ...tag, peeled: id })
    } else if (id !== 'version' && id !== 'shallow') refs.push({ id, name })
  }
  return refs
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    for (const { id, name, peeled } of await listRefs(process.argv[2] ?? '.')) {
      console.log(`${id}\t${name}`)
      if (peeled !== undefined) console.log(`${peeled}\t${name}^{}`)
    }
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}

// npm run pretest && node build/docs/examples/git-cat-file.js HEAD HEAD:README.md   (in a folder that git knows)
import { fileURLToPath } from 'node:url'
import { AsyncChat } from 'asynchat'

export interface GitObject {
  readonly id: string
  readonly type: 'blob' | 'tree' | 'commit' | 'tag'
  /** Bytes of content. */
  readonly size: number
}

/** Takes the content of an object as fast as it likes; what it leaves is skipped. */
export type UseContent = (content: AsyncIterable<Buffer>, object: GitObject) => Promise<void>

const MAX_SIZE = 64 * 1024 * 1024

/**
 * Reads the objects of a repository from one `git cat-file --batch`.
 *
 * A name goes in as a line. What comes back is `<id> <type> <size>`, a line feed, so many bytes and a line feed; or
 * `<name> missing`. Any number of calls may be under way: all names are sent at once, and answered in their order.
 */
export class GitCatFile {
  readonly #chat: AsyncChat
  /** The answer to the call before has been read to its end. */
  #isRead: Promise<unknown> = Promise.resolve()

  constructor(folder = '.') {
    // However many names wait, answers are read: git takes no more names before somebody takes its answers.
    this.#chat = AsyncChat.spawn('git', ['cat-file', '--batch'], { cwd: folder, maxQueuedBytes: Infinity })
  }

  /** A whole object; null where there is none of that name. A `RangeError` where its size is over the limit. */
  async read(name: string, { maxSize = MAX_SIZE } = {}): Promise<(GitObject & { readonly content: Buffer }) | null> {
    const pieces: Buffer[] = []
    const object = await this.stream(name, async (content, { size }) => {
      if (size > maxSize) throw new RangeError(`Cannot read ${name}: it has ${size} bytes, the limit is ${maxSize}`)
      for await (const piece of content) pieces.push(piece)
    })
    return object && { ...object, content: Buffer.concat(pieces) }
  }

  /** An object of any size in pieces: they are received as they are asked for. Null where there is none of that name. */
  async stream(name: string, use: UseContent): Promise<GitObject | null> {
    // With a line feed it would be two names, and every answer from there on another one's.
    if (name === '' || name.includes('\n')) throw new TypeError(`No name of an object: ${JSON.stringify(name)}`)
    this.#chat.push(`${name}\n`)
    const answer = this.#isRead.then(() => this.#readAnswer(name, use))
    this.#isRead = answer.catch(() => {})
    return answer
  }

  /** Ends git, when the calls under way have their answers. */
  async close(): Promise<void> {
    await this.#isRead
    this.#chat.closeWhenDone()
    await this.#chat.whenClosed
  }

  async #readAnswer(name: string, use: UseContent): Promise<GitObject | null> {
    const header = await this.#readLine()
    if (header === `${name} missing`) return null
    const [, id = '', type, size] = /^([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)$/.exec(header) ?? []
    if (type === undefined) throw new Error(`Cannot read ${name}: git says "${header}"`)
    const object: GitObject = { id, type: type as GitObject['type'], size: Number(size) }
    const left = { size: object.size }
    try {
      await use(this.#readContent(left), object)
    } finally {
      // What was not wanted is in the way of the next answer.
      for await (const _ of this.#readContent(left));
      await this.#readLine()
    }
    return object
  }

  async *#readContent(left: { size: number }): AsyncGenerator<Buffer, void, void> {
    for await (const piece of this.#chat.readPieces(left.size)) {
      left.size -= piece.length
      yield piece
    }
  }

  async #readLine(): Promise<string> {
    const line = await this.#chat.readFrame('\n')
    if (line === null) throw new Error('git has ended')
    return line.toString()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const git = new GitCatFile()
  try {
    for (const name of process.argv.slice(2)) {
      const object = await git.stream(name, async (content) => {
        for await (const piece of content) process.stdout.write(piece)
      })
      console.error(object === null ? `${name} missing` : `${object.id} ${object.type} ${object.size}`)
    }
  } catch (error) {
    console.error(String(error))
    process.exitCode = 1
  }
  await git.close()
}

// node build/docs/examples/chat-room.js   (PORT=4000 for a port of your choice), then, in several terminals: nc 127.0.0.1 4000
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { AsyncChat, type ChatServer, type CloseInfo, createChatServer } from 'asynchat'

export interface ChatRoomOptions {
  /** Bytes that may wait for a member who does not read; past it he is closed at the next word. @defaultValue 256 KiB */
  readonly maxQueuedBytes?: number
  /** How long a member may be silent and hear nothing. @defaultValue an hour */
  readonly idleTimeout?: number
  /** @defaultValue Infinity */
  readonly maxConnections?: number
}

const MAX_LINE_LENGTH = 512
const NICK = /^[\p{L}\p{N}_-]{1,24}$/u

/** A room where each line is said to everybody. A member who does not read does not keep the others waiting. */
export function createChatRoom(options: ChatRoomOptions = {}): ChatServer<Member> {
  const { maxQueuedBytes = 256 * 1024, idleTimeout = 60 * 60_000, maxConnections } = options
  const room: ChatServer<Member> = createChatServer((socket) => new Member(socket, room, maxQueuedBytes), { idleTimeout, maxConnections })
  return room
}

export class Member extends AsyncChat {
  readonly #room: ChatServer<Member>
  /** Empty: not in the room yet. */
  nick = ''

  constructor(socket: Socket, room: ChatServer<Member>, maxQueuedBytes: number) {
    super(socket, { terminator: ['\n', '\r\n'], maxFrameLength: MAX_LINE_LENGTH, overflow: 'truncate', maxQueuedBytes })
    this.#room = room
  }

  override handleConnect(): void {
    let number = this.#room.channels.size
    while (this.#isTaken(`guest${number}`)) number++
    this.nick = `guest${number}`
    this.#tell(`* You are ${this.nick}. Say something, or: /nick NAME, /who, /quit`)
    this.#tellOthers(`* ${this.nick} has joined`)
  }

  override handleFrame(line: Buffer): void {
    if (this.ending === 'truncated') return this.#tell(`* Not said: a line has at most ${MAX_LINE_LENGTH} bytes`)
    // What one member types must not move the cursor of another one's terminal.
    const text = line.toString().replaceAll(/\p{Cc}/gu, ' ').trim()
    if (text === '') return
    const [command = '', argument = ''] = text.split(/\s+/)
    if (!command.startsWith('/')) this.#say(text)
    else if (command === '/nick') this.#rename(argument)
    else if (command === '/who') this.#tell(`* Here: ${this.#nicks().join(', ')}`)
    else if (command === '/quit') this.#quit()
    else this.#tell('* There is /nick NAME, /who and /quit')
  }

  override handleClose({ error }: CloseInfo): void {
    if (this.nick !== '') this.#tellOthers(`* ${this.nick} has ${error === undefined ? 'left' : 'been lost'}`)
  }

  /** To himself as well: so who talks faster than he reads has much waiting for him, and is not listened to meanwhile. */
  #say(text: string): void {
    this.#room.broadcast(`<${this.nick}> ${text}\n`, { slow: 'close' })
  }

  #tell(message: string): void {
    this.push(`${message}\n`)
  }

  #tellOthers(message: string): void {
    this.#room.broadcast(`${message}\n`, { slow: 'close', except: this })
  }

  #rename(nick: string): void {
    if (!NICK.test(nick)) return this.#tell('* A name is 1 to 24 letters, digits, _ or -')
    if (this.#isTaken(nick)) return this.#tell(`* There is a ${nick} already`)
    this.#tellOthers(`* ${this.nick} is now ${nick}`)
    this.nick = nick
    return this.#tell(`* You are ${nick}`)
  }

  #quit(): void {
    this.#tell('* Bye')
    this.closeWhenDone()
  }

  #nicks(): string[] {
    return [...this.#room.channels].map(({ nick }) => nick).filter((nick) => nick !== '')
  }

  #isTaken(nick: string): boolean {
    return this.#nicks().some((other) => other.toLowerCase() === nick.toLowerCase())
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const room = createChatRoom({ maxConnections: 1_000 })
  room.on('listening', () => console.log(`nc 127.0.0.1 ${(room.address() as AddressInfo).port}`))
  room.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1')
  const stop = (): void => {
    room.broadcast('* The room closes\n')
    void room.close({ drain: 1_000 })
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
}

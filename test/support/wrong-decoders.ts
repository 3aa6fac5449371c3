/**
 * Decoders that are wrong on purpose, each with one fault that a published library has or had, and what it is fed. The
 * fault's origin is a fact about a version of that library; the code is not theirs.
 */
import { Buffer } from 'node:buffer'
import { FramingError, expectBytes, parseLength } from '../../src/framing/index.js'
import type { Check, Decoder, DecoderSource, VerifyOptions } from '../../src/testing/index.js'

export interface WrongDecoder {
  readonly fault: string
  /** Where it was seen. */
  readonly origin: string
  readonly check: Check
  readonly says: RegExp
  readonly source: DecoderSource<unknown>
  readonly options: VerifyOptions<unknown>
}

type Emit = (message: unknown) => void

interface Parts {
  write(chunk: Buffer, emit: Emit): void
  end?(emit: Emit): void
}

/** A decoder that calls back, behind a queue. */
export function pushing(make: () => Parts): () => Decoder<unknown> {
  return () => {
    const queue: unknown[] = []
    const parts = make()
    const emit: Emit = (message) => queue.push(message)
    return {
      write: (chunk) => parts.write(chunk as Buffer, emit),
      read: () => (queue.length === 0 ? null : queue.shift()),
      end: () => parts.end?.(emit),
    }
  }
}

const refuse = (code = 'ERR_FRAME_MALFORMED' as const): never => {
  throw new FramingError(code, 'No such message')
}
const tooLong = (): never => {
  throw new FramingError('ERR_FRAME_TOO_LONG', 'Too long')
}

const LINES: VerifyOptions<unknown> = { bytes: Buffer.from('on\ntwø\n\nx\n'), messages: ['on', 'twø', '', 'x'] }
const CRLF: VerifyOptions<unknown> = { bytes: Buffer.from('a\r\n\r\nb\rc\r\n'), messages: ['a', '', 'b\rc'] }
const LONGER: VerifyOptions<unknown> = {
  bytes: Buffer.from('the first line\nünd the second line\nthird\n'),
  messages: ['the first line', 'ünd the second line', 'third'],
  long: (length) => ({ bytes: Buffer.from(`${'a'.repeat(length)}\n`), messages: ['a'.repeat(length)] }),
}
const FRAMES: VerifyOptions<unknown> = { bytes: Buffer.from([2, 104, 105, 0, 1, 33]), messages: [Buffer.from('hi'), Buffer.from(''), Buffer.from('!')] }
const NETSTRINGS: VerifyOptions<unknown> = {
  bytes: Buffer.from('2:hi,0:,1:,,'),
  messages: [Buffer.from('hi'), Buffer.from(''), Buffer.from(',')],
  malformed: ['+2:hi,', '2 :hi,', ':,', 'hi,', '2:hi;', '-1:'],
}
const fed = (bytes: string, messages: readonly string[]): VerifyOptions<unknown> => ({ bytes: Buffer.from(bytes), messages })

/** Lines, right but for what the rows change. */
function lines({ take = (line: Buffer): unknown => line.toString(), limit = Infinity } = {}): () => Decoder<unknown> {
  return pushing(() => {
    let parts: Buffer[] = []
    let held = 0
    const fail = (): never => {
      parts = []
      held = 0
      return tooLong()
    }
    return {
      write(chunk, emit) {
        let start = 0
        for (let end; (end = chunk.indexOf(10, start)) !== -1; start = end + 1) {
          if (held + end - start > limit) fail()
          emit(take(Buffer.concat([...parts, chunk.subarray(start, end)])))
          parts = []
          held = 0
        }
        parts.push(chunk.subarray(start))
        held += chunk.length - start
        if (held > limit) fail()
      },
    }
  })
}

/** A delimiter, by a search for its bytes one after the other that forgets something. */
function matching(delimiter: string, onMismatch: (matched: number, byte: number, wanted: Buffer) => number, lost: (matched: number) => number = (matched) => matched): () => Decoder<unknown> {
  const wanted = Buffer.from(delimiter)
  return pushing(() => {
    let frame = ''
    let matched = 0
    return {
      write(chunk, emit) {
        for (const byte of chunk) {
          if (byte === wanted[matched]) {
            matched++
          } else {
            frame += delimiter.slice(0, lost(matched))
            matched = onMismatch(matched, byte, wanted)
            if (matched === 0) frame += String.fromCharCode(byte)
          }
          if (matched < wanted.length) continue
          emit(frame)
          frame = ''
          matched = 0
        }
      },
    }
  })
}

/** Text that is split again whenever something comes. */
function splitting(split: (text: string) => { frames: readonly string[]; rest: string }, decode = (chunk: Buffer): string => chunk.toString('latin1')): () => Decoder<unknown> {
  return pushing(() => {
    let text = ''
    return {
      write(chunk, emit) {
        const { frames, rest } = split(text + decode(chunk))
        for (const frame of frames) emit(frame)
        text = rest
      },
    }
  })
}

const splitBy = (delimiter: string | RegExp) => (text: string): { frames: readonly string[]; rest: string } => {
  const frames = text.split(delimiter)
  return { frames: frames.slice(0, -1), rest: frames.at(-1) as string }
}

/** A byte of length, then as many. */
function frames(join: (held: Buffer, chunk: Buffer) => Buffer = (held, chunk) => Buffer.concat([held, chunk])): () => Decoder<unknown> {
  return pushing(() => {
    let held: Buffer = Buffer.alloc(0)
    return {
      write(chunk, emit) {
        held = join(held, chunk)
        while (held.length > 0 && held.length > (held[0] as number)) {
          const end = (held[0] as number) + 1
          emit(Buffer.from(held.subarray(1, end)))
          held = held.subarray(end)
        }
      },
    }
  })
}

let leftOver = ''

export const wrongDecoders: readonly WrongDecoder[] = [
  {
    fault: 'forgets a delimiter that is cut between chunks',
    origin: 'eventmachine BufferedTokenizer',
    check: 'messages',
    says: /message 0 never comes.*\n +chunks: +"a" \+ "\\r" \+ "\\n" \+ .*\n +expected: "a"$/,
    source: pushing(() => {
      let frame = ''
      return {
        write(chunk, emit) {
          const found = chunk.toString().split('\r\n')
          for (const [index, part] of found.entries()) {
            frame += part
            if (index === found.length - 1) continue
            emit(frame)
            frame = ''
          }
        },
      }
    }),
    options: CRLF,
  },
  {
    fault: 'keeps the head of a delimiter that lies in three chunks',
    origin: '@std/streams 1.1.2 DelimiterStream',
    check: 'messages',
    says: /message 0 is wrong[^]*received: "hi<"/,
    source: pushing(() => {
      let pending: string[] = []
      return {
        write(chunk, emit) {
          pending.push(chunk.toString())
          for (let text = pending.join(''), end; (end = text.indexOf('<->')) !== -1; text = pending[0] as string) {
            const isCut = pending.length > 2 && end + 3 > text.length - (pending.at(-1) as string).length - (pending.at(-2) as string).length && (pending.at(-1) as string).length < 2 && (pending.at(-2) as string).length < 2
            emit(text.slice(0, end + (isCut ? 1 : 0)))
            pending = [text.slice(end + 3)]
          }
        },
      }
    }),
    options: fed('hi<->yo<->', ['hi', 'yo']),
  },
  {
    fault: 'does not fall back after a failed partial match',
    origin: 'delimit-stream 0.1.0',
    check: 'messages',
    says: /message 0 is wrong[^]*expected: "x\\r"/,
    source: matching('\r\n', () => 0),
    options: fed('x\r\r\ny\r\n', ['x\r', 'y']),
  },
  {
    fault: 'begins a delimiter again from its first byte after a mismatch',
    origin: '@serialport/parser-ready',
    check: 'messages',
    says: /message 0 is wrong/,
    source: matching('aab', (_matched, byte, wanted) => (byte === wanted[0] ? 1 : 0)),
    options: fed('xaaabyaab', ['xa', 'y']),
  },
  {
    fault: 'loses the bytes looked behind when a partial match fails',
    origin: 'streamsearch 1.1.0',
    check: 'messages',
    says: /message 0 is wrong[^]*expected: "xa"\n +received: "x"/,
    source: matching('aab', (matched, byte) => (byte === 97 ? matched : 0), () => 0),
    options: fed('xaaabyaab', ['xa', 'y']),
  },
  {
    fault: 'matches a delimiter across bytes that belong to the one before',
    origin: 'binary-split 1.0.5',
    check: 'messages',
    says: /message 1 is wrong[^]*expected: "\\nbody"/,
    source: splitting((text) => {
      const { frames: found, rest } = splitBy('\n\n')(text)
      return { frames: found.map((frame) => frame.replace(/^\n/, '')), rest }
    }),
    options: fed('head\n\n\nbody\n\n', ['head', '\nbody']),
  },
  {
    fault: 'takes the delimiter that begins first, as far as it has come',
    origin: 'Netty 4.1.48 DelimiterBasedFrameDecoder',
    check: 'messages',
    says: /message 0 is wrong[^]*expected: "xA"/,
    source: splitting(splitBy(/ABCD|BC/)),
    options: { bytes: Buffer.from('xABCDyBC'), messages: ['xA', 'Dy'] },
  },
  {
    fault: 'decodes UTF-8 chunk by chunk',
    origin: 'byline, readline-transform, @serialport/parser-regex, line-async-iterator',
    check: 'messages',
    says: /message 1 is wrong[^]*"tw" \+ |message 1 is wrong[^]*"\\xc3" \+ "\\xb8"/,
    source: splitting(splitBy('\n'), (chunk) => chunk.toString('utf8')),
    options: LINES,
  },
  {
    fault: 'looks for the CR of a CRLF in the same chunk only',
    origin: 'execa 9.6.1 lines',
    check: 'messages',
    says: /message 0 is wrong[^]*expected: "a"\n +received: "a\\r"/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          const found = chunk.toString('latin1').replaceAll('\r\n', '\n').split('\n')
          for (const part of found.slice(0, -1)) {
            emit(text + part)
            text = ''
          }
          text += found.at(-1) as string
        },
      }
    }),
    options: CRLF,
  },
  {
    fault: 'makes an empty line of a CRLF that is cut',
    origin: 'line-by-line, node:readline with a crlfDelay',
    check: 'messages',
    says: /message 1 is wrong[^]*received: ""/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          const found = (text + chunk.toString()).split(/\r\n|\r|\n/)
          text = found.pop() as string
          for (const line of found) emit(line)
        },
      }
    }),
    options: { bytes: Buffer.from('ab\r\ncd\r\n'), messages: ['ab', 'cd'], ends: [3, 7] },
  },
  {
    fault: 'keeps only the last two pieces of a line in three chunks',
    origin: 'lazylines',
    check: 'messages',
    says: /message 1 is wrong[^]*expected: "two"\n +received: "wo"/,
    source: pushing(() => {
      let before = ''
      return {
        write(chunk, emit) {
          const found = chunk.toString('latin1').split('\n')
          if (found.length === 1) {
            before = before.slice(-1) + found[0]
            return
          }
          emit(before + found[0])
          for (const line of found.slice(1, -1)) emit(line)
          before = found.at(-1) as string
        },
      }
    }),
    options: { bytes: Buffer.from('on\ntwo\n'), messages: ['on', 'two'] },
  },
  {
    fault: 'drops the tail at the end of input',
    origin: 'stream-split (no _flush)',
    check: 'messages',
    says: /message 1 never comes/,
    source: splitting(splitBy('\n')),
    options: { bytes: Buffer.from('one\ntwo'), messages: ['one', 'two'], ends: [4, Infinity] },
  },
  {
    fault: 'gives back the tail with a delimiter that it has put there',
    origin: '@sovpro/delimited-stream',
    check: 'messages',
    says: /message 1 is wrong[^]*expected: "tail\|"\n +received: "tail"/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          const { frames: found, rest } = splitBy('||')(text + chunk.toString())
          for (const frame of found) emit(frame)
          text = rest
        },
        end: (emit) => emit(`${text}||`.split('||')[0]),
      }
    }),
    options: { bytes: Buffer.from('a||tail|'), messages: ['a', 'tail|'], ends: [3, Infinity] },
  },
  {
    fault: 'loses what follows a message in its chunk',
    origin: 'agentclientprotocol LineBuffer (after an overlong line), DelimiterBasedFrameDecoder (after a discard)',
    check: 'messages',
    says: /message 1 is wrong|message 1 never comes[^]*chunks: +"on\\n/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          const end = text.indexOf('\n')
          if (end === -1) return
          emit(text.slice(0, end))
          text = ''
        },
      }
    }),
    options: LINES,
  },
  {
    fault: 'gives frames of one chunk glued together',
    origin: '@serialport/parser-delimiter, stream-split, frame-stream (no object mode)',
    check: 'messages',
    says: /message 0 is wrong[^]*chunks: +"on\\ntw[^]*received: "ontw/,
    source: splitting((text) => {
      const { frames: found, rest } = splitBy('\n')(text)
      return { frames: found.length === 0 ? [] : [found.join('')], rest }
    }),
    options: LINES,
  },
  {
    fault: 'drops messages without bytes',
    origin: 'frame-stream, @serialport/parser-slip-encoder',
    check: 'messages',
    says: /message 1 is wrong[^]*expected: bytes ""/,
    source: pushing(() => {
      const inner = frames()()
      return {
        write(chunk, emit) {
          inner.write(chunk)
          for (let frame; (frame = inner.read() as Buffer | null) !== null; ) if (frame.length > 0) emit(frame)
        },
      }
    }),
    options: FRAMES,
  },
  {
    fault: 'counts characters and not bytes',
    origin: 'gab 0.0.2',
    check: 'messages',
    says: /message 0 is wrong[^]*expected: "éé"/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text = Buffer.concat([Buffer.from(text, 'latin1'), chunk]).toString('latin1')
          for (let whole = Buffer.from(text, 'latin1').toString(); whole.length >= 4; ) {
            emit(whole.slice(0, 4))
            whole = whole.slice(4)
            text = Buffer.from(whole).toString('latin1')
          }
        },
      }
    }),
    options: { bytes: Buffer.from('éé1234'), messages: ['éé', '1234'] },
  },
  {
    fault: 'indexes the ArrayBuffer and not the view',
    origin: 'what ByteToMessageDecoderVerifier of Netty was made to find',
    check: 'messages',
    says: /message 0 never comes[^]*expected: bytes "hi"/,
    source: frames((held, chunk) => Buffer.concat([held, new Uint8Array(chunk.buffer, 0, chunk.length)])),
    options: FRAMES,
  },
  {
    fault: 'looks one byte past the end of the chunk',
    origin: 'pooled Buffers read by DataView(chunk.buffer)',
    check: 'messages',
    says: /message 0 is wrong, after 1 bytes[^]*expected: "on"\n +received: "o"/,
    source: pushing(() => {
      let text = ''
      let isAhead = false
      return {
        write(chunk, emit) {
          const around = new Uint8Array(chunk.buffer)
          for (let index = 0; index < chunk.length; index++) {
            if (isAhead) {
              isAhead = false
              continue
            }
            text += String.fromCharCode(chunk[index] as number)
            isAhead = around[chunk.byteOffset + index + 1] === 10
            if (!isAhead) continue
            emit(text)
            text = ''
          }
        },
      }
    }),
    options: { bytes: Buffer.from('on\nto\nx\n'), messages: ['on', 'to', 'x'] },
  },
  {
    fault: 'takes the bytes of a chunk by changing it',
    origin: 'ws (unmasks in place)',
    check: 'input',
    says: /writes into the chunks/,
    source: frames((held, chunk) => {
      const joined = Buffer.concat([held, chunk])
      chunk.fill(0)
      return joined
    }),
    options: FRAMES,
  },
  {
    fault: 'delivers views of a buffer that it fills again',
    origin: 'linebyline (one fixed buffer), n-readlines',
    check: 'changed',
    says: /message 0 was right when it was delivered, and has changed/,
    source: () => {
      const inner = lines({ take: (line) => line })()
      const scratch = Buffer.alloc(64)
      return {
        write: (chunk) => inner.write(chunk),
        read() {
          const line = inner.read() as Buffer | null
          return line === null ? null : scratch.subarray(0, line.copy(scratch))
        },
        end: () => inner.end(),
      }
    },
    options: { bytes: Buffer.from('on\nto\n'), messages: [Buffer.from('on'), Buffer.from('to')] },
  },
  {
    fault: 'waits for a byte after the end of a message',
    origin: 'CappedDelimiterStream, line-reader 0.4',
    check: 'late',
    says: /message \d comes .*, and was complete after \d+ bytes/,
    source: pushing(() => {
      let text = ''
      const take = (emit: Emit, isEnd: boolean): void => {
        const last = isEnd ? text.length : text.length - 1
        let start = 0
        for (let end; (end = text.indexOf('\n', start)) !== -1 && end < last; start = end + 1) emit(text.slice(start, end))
        text = text.slice(start)
      }
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          take(emit, false)
        },
        end: (emit) => take(emit, true),
      }
    }),
    options: { bytes: Buffer.from('on\nto\n'), messages: ['on', 'to'] },
  },
  {
    fault: 'delivers a message before its last byte',
    origin: 'length decoders that read the trailer with the next message',
    check: 'early',
    says: /message 2 comes after 11 bytes, before its end: it is byte 12/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          for (let colon; (colon = text.indexOf(':')) !== -1; ) {
            const start = colon + 1
            const end = start + Number(text.slice(0, colon).replace(',', ''))
            if (text.length < end) return
            emit(Buffer.from(text.slice(start, end), 'latin1'))
            text = text.slice(end)
          }
        },
      }
    }),
    options: { ...NETSTRINGS, malformed: [] },
  },
  {
    fault: 'gives null while a message is there',
    origin: '@sovpro/delimited-stream (stops when the reader pauses)',
    check: 'contract',
    says: /gives null although a message is there/,
    source: () => {
      const inner = lines()()
      let isIdle = false
      const read = (): unknown => {
        isIdle = !isIdle
        return isIdle ? inner.read() : null
      }
      return { write: (chunk) => inner.write(chunk), end: () => inner.end(), read }
    },
    options: { bytes: Buffer.from('on\nto\n'), messages: ['on', 'to'] },
  },
  {
    fault: 'gives undefined for nothing',
    origin: 'queues read by shift()',
    check: 'contract',
    says: /gives undefined/,
    source: () => ({ ...lines()(), read: () => undefined }),
    options: LINES,
  },
  {
    fault: 'forgets a chunk when another comes before it was read',
    origin: 'n-readlines 1.0 with small reads',
    check: 'messages',
    says: /message \d (is wrong|never comes)/,
    source: () => {
      const inner = lines()()
      let last: Uint8Array | null = null
      return {
        write: (chunk) => void (last = chunk),
        read() {
          if (last !== null) inner.write(last)
          last = null
          return inner.read()
        },
        end: () => inner.end(),
      }
    },
    options: LINES,
  },
  {
    fault: 'joins all that is held with each chunk',
    origin: 'netstring, ws Receiver, mqtt-packet, dissolve, bl consume loop',
    check: 'cost',
    says: /the cost of one message in single bytes grows faster than the input: \d+ for 513 bytes, \d+ for 2049/,
    source: pushing(() => {
      let held = Buffer.alloc(0)
      return {
        write(chunk, emit) {
          held = Buffer.concat([held, chunk])
          for (let end; chunk.includes(10) && (end = held.indexOf(10)) !== -1; held = held.subarray(end + 1)) emit(held.subarray(0, end).toString())
        },
      }
    }),
    options: LONGER,
  },
  {
    fault: 'searches all that is held with each chunk',
    origin: 'split2, split, readline-transform, newline-decoder',
    check: 'cost',
    says: /the cost of one message in single bytes/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          const found = text.split('\n')
          text = found.pop() as string
          for (const line of found) emit(Buffer.from(line, 'latin1').toString())
        },
      }
    }),
    options: LONGER,
  },
  {
    fault: 'copies the rest of the chunk for each message',
    origin: 'byline, @std/streams DelimiterStream, textlinestream',
    check: 'cost',
    says: /the cost of many messages in one chunk/,
    source: pushing(() => {
      let held: Uint8Array = new Uint8Array(0)
      return {
        write(chunk, emit) {
          const joined = new Uint8Array(held.length + chunk.length)
          joined.set(held)
          joined.set(chunk, held.length)
          held = joined
          for (let end; (end = held.indexOf(10)) !== -1; held = held.slice(end + 1)) emit(new TextDecoder().decode(held.subarray(0, end)))
        },
      }
    }),
    options: { ...LONGER, long: () => ({ bytes: LONGER.bytes, messages: LONGER.messages }) },
  },
  {
    fault: 'parses the text of one message anew with each chunk',
    origin: 'jayson parseStream',
    check: 'cost',
    says: /the cost of one message in single bytes/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          try {
            emit(JSON.parse(text))
            text = ''
          } catch {}
        },
      }
    }),
    options: { bytes: Buffer.from('{"a":[1]}'), messages: [{ a: [1] }], repeats: false, long: (length) => ({ bytes: Buffer.from(JSON.stringify(['a'.repeat(length)])), messages: [['a'.repeat(length)]] }) },
  },
  {
    fault: 'allocates the length that is declared',
    origin: 'length-prefixed-stream, framed-stream, strtok3 (2 GiB)',
    check: 'allocation',
    says: /asks for 2147483647 bytes of memory at once, 11 bytes of input received/,
    source: pushing(() => {
      let digits = ''
      let body: Buffer | null = null
      let filled = 0
      return {
        write(chunk, emit) {
          for (const byte of chunk) {
            if (body === null) {
              if (byte !== 58) digits += String.fromCharCode(byte)
              else body = Buffer.alloc(Number(digits))
              continue
            }
            if (filled < body.length) body[filled++] = byte
            else {
              emit(body)
              body = null
              filled = 0
              digits = ''
            }
          }
        },
      }
    }),
    options: { ...NETSTRINGS, malformed: [], declared: ['2147483647:'] },
  },
  {
    fault: 'makes a list as long as is declared',
    origin: 'redis-parser (arrays)',
    check: 'allocation',
    says: /asks for 80000000 bytes/,
    source: {
      *decode() {
        // oxlint-disable-next-line unicorn/no-new-array -- the fault
        const list: unknown[] = new Array(parseLength(yield { until: '\n', maxFrameLength: 10 }))
        for (let index = 0; index < list.length; index++) list[index] = String.fromCharCode((yield 1)[0] as number)
        return list
      },
      encode: (list) => [`${(list as unknown[]).length}\n`, (list as string[]).join('')],
    },
    options: { bytes: '2\nab0\n', messages: [['a', 'b'], []], declared: ['10000000\n'] },
  },
  {
    fault: 'reads a length by parseInt',
    origin: 'Twisted CVE-2022-24801, llhttp CVE-2022-32214',
    check: 'malformed',
    says: /accepts what is malformed, and delivers a message of it\n +chunks: +"\+2:hi,"\n +received: bytes "hi"/,
    source: {
      *decode() {
        const body = yield Math.max(0, Number.parseInt(Buffer.from(yield { until: ':', maxFrameLength: 8 }).toString(), 10))
        expectBytes(yield 1, ',')
        return body
      },
      encode: (body) => [`${(body as Buffer).length}:`, body as Buffer, ','],
    },
    options: NETSTRINGS,
  },
  {
    fault: 'waits for ever for a length that is no number',
    origin: 'vscode-jsonrpc messageReader (NaN), pg-protocol',
    check: 'malformed',
    says: /refuses only when the input ends[^]*chunks: +"x:"/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString('latin1')
          for (let colon; (colon = text.indexOf(':')) !== -1; ) {
            const end = colon + 1 + Number(text.slice(0, colon))
            if (!(text.length > end)) return
            emit(Buffer.from(text.slice(colon + 1, end), 'latin1'))
            text = text.slice(end + 1)
          }
        },
        end: () => (text === '' ? undefined : refuse()),
      }
    }),
    options: { ...NETSTRINGS, malformed: ['x:'] },
  },
  {
    fault: 'checks the limit only where a chunk ends',
    origin: 'split2 maxLength',
    check: 'malformed',
    says: /accepts what is malformed[^]*chunks: +"abcdefgh\\n"/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          const { frames: found, rest } = splitBy('\n')(text + chunk.toString('latin1'))
          for (const frame of found) emit(frame)
          text = rest
          if (text.length > 4) tooLong()
        },
      }
    }),
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh\n'] },
  },
  {
    fault: 'counts a limit over all that a chunk brings',
    origin: '@modelcontextprotocol/sdk ReadBuffer',
    check: 'error',
    says: /refuses bytes that are right, after 10 bytes, 0 messages delivered\n +chunks: +"ab\\ncd\\nefg\\n"\n +received: FramingError ERR_FRAME_TOO_LONG: Too long/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          text += chunk.toString()
          if (text.length > 4) tooLong()
          const { frames: found, rest } = splitBy('\n')(text)
          for (const frame of found) emit(frame)
          text = rest
        },
      }
    }),
    options: { bytes: Buffer.from('ab\ncd\nefg\n'), messages: ['ab', 'cd', 'efg'] },
  },
  {
    fault: 'counts the first byte of a cut delimiter as content',
    origin: 'Netty 4.1.48 DelimiterBasedFrameDecoder, Twisted LineOnlyReceiver',
    check: 'error',
    says: /refuses bytes that are right, after 4 bytes[^]*"a" \+ "b" \+ "c" \+ "\\r"/,
    source: splitting((text) => {
      const { frames: found, rest } = splitBy('\r\n')(text)
      if (rest.length > 3 || found.some((frame) => frame.length > 3)) tooLong()
      return { frames: found, rest }
    }),
    options: { bytes: Buffer.from('abc\r\nd\r\n'), messages: ['abc', 'd'] },
  },
  {
    fault: 'cuts a message that is too long, and says nothing',
    origin: 'linebyline, Erlang {packet, line}',
    check: 'malformed',
    says: /accepts what is malformed, and delivers a message of it[^]*received: "abcd"/,
    source: lines({ take: (line) => line.toString().slice(0, 4) }),
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh\n'] },
  },
  {
    fault: 'delivers after its error what was in error',
    origin: 'split maxLength',
    check: 'malformed',
    says: /delivers message 0 after its error FramingError ERR_FRAME_TOO_LONG: Too long|goes on after its error/,
    source: pushing(() => {
      let text = ''
      return {
        write(chunk, emit) {
          const { frames: found, rest } = splitBy('\n')(text + chunk.toString('latin1'))
          for (const frame of found) emit(frame)
          text = rest
          if (text.length > 4 || found.some((frame) => frame.length > 4)) tooLong()
        },
      }
    }),
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh\n'] },
  },
  {
    fault: 'goes on after an error as if nothing had been',
    origin: 'split, eventsource-parser before 3',
    check: 'malformed',
    says: /goes on after its error FramingError ERR_FRAME_TOO_LONG: Too long when more bytes come, and delivers/,
    source: lines({ limit: 4 }),
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh'] },
  },
  {
    fault: 'keeps what was in error for the next decoder',
    origin: 'state in a module: asyncio readline (next line is a fragment)',
    check: 'malformed',
    says: /a new decoder, made after one has refused "abcdefgh", is no longer right/,
    source: () => {
      let isBroken = false
      const queue: string[] = []
      return {
        write(chunk) {
          if (isBroken) return
          const { frames: found, rest } = splitBy('\n')(leftOver + Buffer.from(chunk).toString('latin1'))
          queue.push(...found)
          leftOver = rest.slice(0, 2)
          isBroken = rest.length > 2
          if (isBroken) tooLong()
        },
        read: () => queue.shift() ?? null,
        end() {},
      }
    },
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh'] },
  },
  {
    fault: 'says another error where the cut is another',
    origin: 'Boost.Asio read_until, Tornado max_bytes (where the match is past the limit in the same packet)',
    check: 'malformed',
    says: /refuses with ERR_FRAME_TOO_LONG after 5 bytes, where another cut of the same bytes gives ERR_FRAME_MALFORMED/,
    source: pushing(() => {
      let text = ''
      let isBroken = false
      return {
        write(chunk, emit) {
          if (isBroken) return
          const { frames: found, rest } = splitBy('\n')(text + chunk.toString())
          isBroken = rest.length > 4 || found.some((frame) => frame.length > 4)
          if (rest.length > 4) tooLong()
          if (isBroken) refuse()
          for (const frame of found) emit(frame)
          text = rest
        },
      }
    }),
    options: { bytes: Buffer.from('ab\ncd\n'), messages: ['ab', 'cd'], malformed: ['abcdefgh\n'] },
  },
  {
    fault: 'delivers what the end of input cuts as if it were whole',
    origin: '@serialport/parser-packet-length, node Readable.read(n)',
    check: 'truncation',
    says: /the input ends after 2 bytes, and message 0 is delivered at the end of input although it is not whole\n +chunks: +"\\x02h"\n +received: bytes "h"/,
    source: pushing(() => {
      let held: Buffer = Buffer.alloc(0)
      return {
        write(chunk, emit) {
          held = Buffer.concat([held, chunk])
          for (let end; held.length > 0 && held.length >= (end = (held[0] as number) + 1); held = held.subarray(end)) emit(Buffer.from(held.subarray(1, end)))
        },
        end: (emit) => (held.length > 1 ? emit(held.subarray(1)) : undefined),
      }
    }),
    options: FRAMES,
  },
  {
    fault: 'takes an empty chunk for the end',
    origin: 'loops over read(2), where 0 is the end',
    check: 'messages',
    says: /message \d never comes[^]*"" \+ /,
    source: () => {
      const inner = lines()()
      let hasEnded = false
      return {
        write(chunk) {
          if (chunk.length === 0) hasEnded = true
          if (!hasEnded) inner.write(chunk)
        },
        read: () => inner.read(),
        end: () => inner.end(),
      }
    },
    options: LINES,
  },
  {
    fault: 'looks at the first byte of an empty chunk',
    origin: 'readers of a version or a magic number',
    check: 'error',
    says: /refuses bytes that are right/,
    source: () => {
      const inner = lines()()
      let isFirst = true
      return {
        write(chunk) {
          if (isFirst && chunk[0] !== 111) refuse()
          isFirst = false
          inner.write(chunk)
        },
        read: () => inner.read(),
        end: () => inner.end(),
      }
    },
    options: { ...LINES, repeats: false },
  },
  {
    fault: 'forgets at the end of input what was not read',
    origin: 'destroy() in place of end(), in readers of sockets',
    check: 'messages',
    says: /message 0 never comes/,
    source: () => {
      const inner = lines()()
      let hasEnded = false
      return {
        write: (chunk) => inner.write(chunk),
        read: () => (hasEnded ? null : inner.read()),
        end() {
          inner.end()
          hasEnded = true
        },
      }
    },
    options: LINES,
  },
  {
    fault: 'is awaited',
    origin: 'parsers with an async write()',
    check: 'contract',
    says: /gives a Promise/,
    source: () => {
      const inner = lines()()
      return { write: (chunk) => inner.write(chunk), read: () => inner.read(), end: () => Promise.resolve(inner.end()) as never }
    },
    options: LINES,
  },
  {
    fault: 'remembers in the codec what belongs to a stream',
    origin: 'codecs that are shared',
    check: 'messages',
    says: /message 0 is wrong/,
    source: (() => {
      let count = 0
      return { terminator: '\n', parse: (frame: Uint8Array) => `${count++} ${Buffer.from(frame).toString()}`, encode: (message: unknown) => `${String(message).slice(2)}\n` }
    })(),
    options: { bytes: 'a\nb\n', messages: ['0 a', '1 b'] },
  },
  {
    fault: 'encodes a length in characters',
    origin: 'vscode-jsonrpc before Content-Length was counted in bytes',
    check: 'round-trip',
    says: /what was encoded is decoded to something else[^]*chunks: +"2:h\\xc3\\xa9,"/,
    source: {
      *decode() {
        const body = yield parseLength(yield { until: ':', maxFrameLength: 7 })
        expectBytes(yield 1, ',')
        return Buffer.from(body).toString()
      },
      encode: (text) => `${(text as string).length}:${text as string},`,
    },
    options: { bytes: '3:hé,', messages: ['hé'] },
  },
  {
    fault: 'encodes a message that holds its own delimiter',
    origin: 'ndjson by hand, SMTP smuggling, replit/river#51',
    check: 'round-trip',
    says: /encodes "a\\nb", which cannot be said in this protocol/,
    source: { terminator: '\n', parse: (frame) => Buffer.from(frame).toString(), encode: (line) => `${line as string}\n` },
    options: { bytes: 'a\nb\n', messages: ['a', 'b'], refused: ['a\nb'] },
  },
]

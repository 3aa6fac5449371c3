/**
 * How asynchat cuts its input, corner by corner, and what `AsyncChat` makes of each: tests named `I01`, `B3` and so on,
 * as in `test/support/asynchat-rows.ts`, which lists them all with the tests that have them. The output is in
 * `asynchat-output-rows.test.ts`.
 *
 * Traces are those of `test/support/chat-session.ts`, with `|` at the end of each chunk, so that it is seen too *when*
 * something is delivered. `want` is what must come. Where asynchat gives something else, that is in `python`, as it was
 * seen on CPython 3.11, with the reason for the change in `because`.
 */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions, EndInfo } from '../../src/chat/chat-options.js'
import type { Terminator } from '../../src/framing/index.js'
import { COVERED_ROWS, MISSING_ROWS, ROW_IDS } from '../support/asynchat-rows.js'
import { MemoryTransport, type Session, type TraceEvent, quote, runSession, settle, traceOf } from '../support/chat-session.js'

interface Row extends Omit<Session, 'chunks' | 'script'> {
  readonly id: string
  readonly name: string
  readonly script: readonly Terminator[]
  readonly chunks: readonly string[]
  readonly want: string
  readonly python?: string
  readonly because?: string
  readonly held?: string
}

const bytewise = (text: string): string[] => text.split('')

const ROWS: readonly Row[] = [
  // Delimiters
  { id: 'I01', name: 'ends a frame at each delimiter', script: ['\r\n'], chunks: ['hello\r\nworld\r\n'], want: 'C(hello) F C(world) F |' },
  { id: 'I02', name: 'finds a delimiter that is cut', script: ['\r\n'], chunks: ['hello\r', '\nx\r\n'], want: 'C(hello) | F C(x) F |' },
  { id: 'I03', name: 'gives back what was no delimiter', script: ['\r\n'], chunks: ['abc\r', 'd\r\n'], want: 'C(abc) | C(\\rd) F |' },
  { id: 'I04', name: 'collects nothing of a delimiter in single bytes', script: ['\r\n.\r\n'], chunks: bytewise('\r\n.\r\n'), want: '| | | | F |' },
  { id: 'I05a', name: 'matches leftmost', script: ['aab'], chunks: ['aaaab'], want: 'C(aa) F |' },
  { id: 'I05b', name: 'matches leftmost, byte by byte', script: ['aab'], chunks: bytewise('aaaab'), want: '| | C(a) | C(a) | F |' },
  { id: 'I05c', name: 'matches leftmost over a cut', script: ['aab'], chunks: ['aa', 'aab'], want: '| C(aa) F |' },
  { id: 'I06a', name: 'goes past a near miss', script: ['\r\n\r\n'], chunks: ['X\r\r\n\r\nY'], want: 'C(X\\r) F C(Y) |' },
  {
    id: 'I06b',
    name: 'goes past a near miss, byte by byte',
    script: ['\r\n\r\n'],
    chunks: bytewise('X\r\r\n\r\nY'),
    want: 'C(X) | | C(\\r) | | | F | C(Y) |',
  },
  { id: 'I06c', name: 'goes past a near miss over a cut', script: ['\r\n\r\n'], chunks: ['X\r\n\r', '\r\n\r\n'], want: 'C(X) | C(\\r\\n\\r) F |' },
  { id: 'I06d', name: 'does not let matches overlap', script: ['\r\n\r\n'], chunks: ['\r\n\r\n\r\n'], want: 'F |', held: '\\r\\n' },
  { id: 'I07 B1', name: 'reports an empty frame, and collects nothing for it', script: ['\n'], chunks: ['\n\na\n'], want: 'F F C(a) F |' },
  { id: 'I10', name: 'does not let matches overlap over a cut', script: ['aa'], chunks: ['aaaaa', 'a'], want: 'F F | F |' },
  {
    id: 'I38 B42',
    name: 'does not reach back into what the terminator before has consumed, so an empty mail never ends',
    script: ['\r\n', '\r\n.\r\n'],
    chunks: ['DATA\r\n', '.\r\n', 'QUIT\r\n'],
    want: 'C(DATA) F | C(.) | C(\\r\\nQUIT) |',
    held: '\\r\\n',
  },
  { id: 'I82', name: 'takes a delimiter longer than the buffer', script: ['abcdef'], chunks: ['xyzabcdefabc', 'def'], inBufferSize: 2, want: 'C(xyz) F | F |' },
  { id: 'I83', name: 'holds more than the buffer', script: ['abcdef'], chunks: ['abcde', 'abcdef'], inBufferSize: 3, want: '| C(abcde) F |' },

  // Counts and never
  { id: 'I11', name: 'passes everything after a count', script: [5], after: 'keep', chunks: ['ab', 'c', 'de', 'fgh'], want: 'C(ab) | C(c) | C(de) F | C(fgh) |' },
  {
    id: 'I14',
    name: 'ends one empty frame for a count of 0',
    script: [0],
    after: 'keep',
    chunks: ['abc', 'def'],
    want: 'F C(abc) | C(def) |',
    python: 'C(abc) | C(def) |',
    because: 'nothing is missing of nothing',
  },
  { id: 'I15', name: 'never ends under null', script: [null], chunks: ['abc', 'def'], want: 'C(abc) | C(def) |' },
  { id: 'I18', name: 'takes a count again when it is set again', script: [2], chunks: ['aabbc', 'c'], want: 'C(aa) F C(bb) F C(c) | C(c) F |' },
  {
    id: 'I19 B3',
    name: 'ends an empty body at once',
    script: [1, 0],
    after: 'keep',
    chunks: ['0', '1x'],
    want: 'C(0) F F | C(1x) |',
    python: 'C(0) F | C(1x) |',
    because: 'Content-Length: 0 is a body of no bytes, for which nobody is to wait',
  },

  // Changed in foundTerminator
  { id: 'I30', name: 'changes from delimiter to delimiter', script: ['\n', ';', '\n', ';'], chunks: ['a\nb;c\nd;'], want: 'C(a) F C(b) F C(c) F C(d) F |' },
  { id: 'I31', name: 'changes to a count and back', script: ['\n', 5, '\n'], chunks: ['5\nhelloX\nrest\n'], want: 'C(5) F C(hello) F C(X) F C(rest) F |' },
  { id: 'I32', name: 'changes to null', script: ['\n', null], chunks: ['a\nb\nc', 'd\n'], want: 'C(a) F C(b\\nc) | C(d\\n) |' },
  { id: 'I33', name: 'ends a count at the end of a chunk', script: ['\n', 3, '\n'], chunks: ['3\nabc'], want: 'C(3) F C(abc) F |' },
  {
    id: 'I34',
    name: 'sees an empty line after a body',
    script: ['\n', 3, '\n'],
    chunks: ['3\na', 'bc\nz\n'],
    want: 'C(3) F C(a) | C(bc) F F C(z) F |',
  },
  { id: 'I35', name: 'changes from count to count', script: [1, 2, 1, 3], after: 'keep', chunks: ['2ab3cde'], want: 'C(2) F C(ab) F C(3) F C(cde) F |' },
  { id: 'I36', name: 'changes to a delimiter that is cut', script: ['\n', '\r\n.\r\n', '\n'], chunks: ['x\n\r\n.', '\r\ny\n'], want: 'C(x) F | F C(y) F |' },
  {
    id: 'I37',
    name: 'reads headers, a body, and ignores the rest',
    script: ['\r\n\r\n', 5, null],
    chunks: ['head\r\n\r\nhe', 'lloEXTRA', 'more'],
    want: 'C(head) F C(he) | C(llo) F C(EXTRA) | C(more) |',
  },

  // Changed in collectIncomingData, or from outside
  {
    id: 'I40',
    name: 'takes a terminator that is set while the last of a frame is collected',
    script: ['\n'],
    after: 'keep',
    onCollect: { 0: 2 },
    chunks: ['a\nbbcc'],
    want: 'C(a\\nb) F C(bcc) |',
    python: 'C(a) F C(bb) F C(cc) |',
    because: 'a terminator rules the very next byte, and here that is the delimiter',
  },
  {
    id: 'I41',
    name: 'looks at held bytes again',
    script: ['\r\n'],
    after: 'keep',
    onCollect: { 0: ';' },
    chunks: ['a\r', '\nb;c'],
    want: 'C(a\\r) | C(\\nb) F C(c) |',
    python: 'C(a) | C(\\r\\nb) F C(c) |',
    because: 'there with the next read only; the frames are the same',
  },
  { id: 'I42', name: 'does not take back what it has collected', script: [null], after: 'keep', onCollect: { 0: '\n' }, chunks: ['a\nb', 'c\nd'], want: 'C(a\\nb) | C(c) F C(d) |' },
  {
    id: 'I43',
    name: 'drops a running count for a delimiter',
    script: [5],
    after: 'keep',
    onCollect: { 0: '\n' },
    chunks: ['ab', 'c\n'],
    want: 'C(ab) | C(c) F |',
    python: 'C(ab) !TypeError | C(c) F |',
    because: 'a new terminator begins with the next byte',
  },
  {
    id: 'I43b',
    name: 'drops a running count for null',
    script: [5],
    after: 'keep',
    onCollect: { 0: null },
    chunks: ['ab', 'c\n'],
    want: 'C(ab) | C(c\\n) |',
    python: 'C(ab) !TypeError | C(c\\n) |',
    because: 'a new terminator begins with the next byte',
  },
  {
    id: 'I43c',
    name: 'drops a running count for a longer one',
    script: [5],
    after: 'keep',
    onCollect: { 0: 10 },
    chunks: ['ab', 'cdefghij', 'kl'],
    want: 'C(ab) | C(cdefghij) | C(kl) F |',
    python: 'C(ab) | C(cdefghij) F | C(kl) |',
    because: 'a new terminator begins with the next byte',
  },
  {
    id: 'I43d',
    name: 'drops a running count for a shorter one',
    script: [5],
    after: 'keep',
    onCollect: { 0: 1 },
    chunks: ['abc', 'defg'],
    want: 'C(abc) | C(d) F C(efg) |',
    python: 'C(abc) | C(de) F C(fg) |',
    because: 'there the count goes below zero',
  },
  {
    id: 'I44',
    name: 'takes a terminator that is set while the last of a count is collected',
    script: [2],
    after: 'keep',
    onCollect: { 0: '\n' },
    chunks: ['abc\nd'],
    want: 'C(abc) F C(d) |',
    python: 'C(ab) F C(c\\nd) |',
    because: 'there it is lost',
  },
  {
    id: 'I62',
    name: 'releases held bytes at once, and before the end',
    script: ['\r\n', null],
    switch: 'outside',
    chunks: ['x\r', ''],
    eof: true,
    want: 'C(x) | C(\\r) | CLOSE',
    python: 'C(x) | | CLOSE C(\\r)',
    because: 'nothing comes after the close',
  },
  {
    id: 'I63',
    name: 'finds a new delimiter among the held bytes at once',
    script: ['\r\n.\r\n', '\r\n'],
    switch: 'outside',
    chunks: ['x\r\n', '', 'y'],
    want: 'C(x) | F | C(y) |',
    python: 'C(x) | | F C(y) |',
    because: 'there with the next read only; the frames are the same',
  },
  {
    id: 'I63b',
    name: 'finds a new delimiter among the held bytes before the end',
    script: ['\r\n.\r\n', '\r\n'],
    switch: 'outside',
    chunks: ['x\r\n', ''],
    eof: true,
    want: 'C(x) | F | CLOSE',
    python: 'C(x) | | CLOSE F',
    because: 'nothing comes after the close',
  },
  {
    id: 'I63c',
    name: 'counts held bytes',
    script: ['\r\n.\r\n', 1, null],
    switch: 'outside',
    chunks: ['x\r\n', '', 'y'],
    want: 'C(x) | C(\\r) F C(\\n) | C(y) |',
    python: 'C(x) | | C(\\r) F C(\\ny) |',
    because: 'there with the next read only; the frames are the same',
  },

  // discard, close, exceptions
  { id: 'I50 B7', name: 'drops the rest of a chunk', script: ['\n'], discard: { found: [0] }, chunks: ['a\nb\nc', 'd\n'], want: 'C(a) F | C(d) F |' },
  { id: 'I51', name: 'ends a frame whose bytes were all collected', script: ['\n'], discard: { collect: [0] }, chunks: ['a\nb\n', 'c\n'], want: 'C(a) F | C(c) F |' },
  { id: 'I52', name: 'drops held bytes too', script: ['\r\n'], discard: { collect: [0] }, chunks: ['a\r', '\nb\r\n'], want: 'C(a) | C(\\nb) F |' },
  {
    id: 'I56 B33',
    name: 'close() in the first found stops parsing at once',
    script: ['\n'],
    close: { found: [0] },
    chunks: ['QUIT\nNOOP\nRSET\n'],
    want: 'C(QUIT) F |',
    python: 'C(QUIT) F C(NOOP) F C(RSET) F |',
    because: 'nobody is there for the rest',
  },
  {
    id: 'I58',
    name: 'goes on after a foundTerminator that threw',
    script: ['\n'],
    raise: { found: [0] },
    chunks: ['a\nb\nc\n', 'd\n'],
    want: 'C(a) F !Boom: found 0 C(b) F C(c) F | C(d) F |',
    python: 'C(a) F !Boom: found 0 | C(b) F C(c) F C(d) F |',
    because: 'there the rest waits for the next read',
  },
  {
    id: 'I59',
    name: 'does not repeat a byte after a collectIncomingData that threw',
    script: ['\n'],
    raise: { collect: [0] },
    chunks: ['a\nb\n', 'c\n'],
    want: 'C(a) !Boom: collect 0 F C(b) F | C(c) F |',
    python: 'C(a) !Boom: collect 0 | C(a) F C(b) F C(c) F |',
    because: 'no byte comes twice',
  },
  {
    id: 'I59c',
    name: 'counts bytes whose collectIncomingData threw',
    script: [5],
    after: 'keep',
    raise: { collect: [0] },
    chunks: ['ab', 'cdefg'],
    want: 'C(ab) !Boom: collect 0 | C(cde) F C(fg) |',
    python: 'C(ab) !Boom: collect 0 | C(abcde) F C(fg) |',
    because: 'no byte comes twice',
  },

  // End of input
  { id: 'I60', name: 'collects a tail, which is no frame', script: ['\n'], chunks: ['a\npartial'], eof: true, want: 'C(a) F C(partial) | CLOSE' },
  {
    id: 'I61',
    name: 'collects a held byte at the end',
    script: ['\r\n'],
    chunks: ['partial\r'],
    eof: true,
    want: 'C(partial) | C(\\r) CLOSE',
    python: 'C(partial) | CLOSE',
    because: 'nothing is lost',
  },
  {
    id: 'I61b',
    name: 'collects held bytes at the end',
    script: ['\r\n.\r\n'],
    chunks: ['partial\r\n.\r'],
    eof: true,
    want: 'C(partial) | C(\\r\\n.\\r) CLOSE',
    python: 'C(partial) | CLOSE',
    because: 'nothing is lost',
  },
]

for (const { id, name, chunks, want, python, because, held, ...session } of ROWS) {
  const title = python === undefined ? 'as asynchat' : `unlike asynchat, ${because}`
  t.test(`AsyncChat: ${id} ${name} (${title})`, async (t) => {
    const outcome = await runSession({ ...session, chunks: chunks.map((chunk) => Buffer.from(chunk, 'latin1')) })
    t.equal(traceOf(outcome.events, true), want)
    t.not(want, python)
    if (held !== undefined) t.equal(quote(outcome.held), held, 'and it holds')
  })
}

interface Started {
  readonly chat: AsyncChat
  readonly transport: MemoryTransport
  readonly trace: () => string
  /** Gives a chunk, and waits until all of it has happened. */
  readonly give: (text: string | null) => Promise<void>
}

/** A channel whose hooks note their calls, and then call what is given. */
function start(terminator: Terminator, hooks: AsyncChatOptions = {}): Started {
  const events: TraceEvent[] = []
  const transport = new MemoryTransport()
  const chat: AsyncChat = new AsyncChat(transport, {
    ...hooks,
    terminator,
    collectIncomingData(data) {
      events.push({ kind: 'collect', data })
      return hooks.collectIncomingData?.call(chat, data)
    },
    foundTerminator() {
      events.push({ kind: 'found' })
      return hooks.foundTerminator?.call(chat)
    },
  })
  const give = async (text: string | null): Promise<void> => {
    transport.push(text === null ? null : Buffer.from(text, 'latin1'))
    await settle()
    events.push({ kind: 'chunk' })
  }
  return { chat, transport, trace: () => traceOf(events, true), give }
}

t.test('AsyncChat: I80 collects in pieces of at most acInBufferSize, and cuts the same frames (as asynchat)', async (t) => {
  for (const acInBufferSize of [1, 2, 3, 4096]) {
    const lengths: number[] = []
    const { chat, give, trace } = start('\r\n', { acInBufferSize, collectIncomingData: (data) => void lengths.push(data.length) })
    await give('ab\r\ncd\r\n')
    t.equal(trace(), 'C(ab) F C(cd) F |', `size ${acInBufferSize}`)
    t.same(lengths, acInBufferSize === 1 ? [1, 1, 1, 1] : [2, 2])
    chat.close()
  }
})

t.test('AsyncChat: I12 I13 tells the bytes that are missing of a count, and null after it (as asynchat, there 0)', async (t) => {
  const inHook: Terminator[] = []
  const { chat, give } = start(5, { foundTerminator: () => void inHook.push(chat.getTerminator()) })
  await give('ab')
  t.equal(chat.getTerminator(), 3)
  await give('cdef')
  t.same([inHook, chat.getTerminator()], [[null], null])
  chat.close()
})

t.test('AsyncChat: I20 tells what is missing of a count at the end of input (unlike asynchat, where it is silent)', async (t) => {
  const ends: EndInfo[] = []
  const { chat, give, trace } = start(10, {
    handleEnd(info) {
      ends.push(info)
      this.closeWhenDone()
    },
  })
  await give('abc')
  t.equal(chat.getTerminator(), 7)
  await give(null)
  t.equal(trace(), 'C(abc) | |')
  t.same(ends, [{ incomplete: 3 }])
  t.same(await chat.whenClosed, { incomplete: 3, unsent: 0 })
})

const REFUSED: readonly { readonly id: string; readonly name: string; readonly terminator: unknown; readonly error: string }[] = [
  { id: 'I16 B2', name: 'an empty delimiter', terminator: '', error: 'TypeError' },
  { id: 'I16', name: 'an empty delimiter of bytes', terminator: new Uint8Array(), error: 'TypeError' },
  { id: 'I17', name: 'false', terminator: false, error: 'TypeError' },
  { id: 'I17', name: 'true', terminator: true, error: 'TypeError' },
  { id: 'I21 B5', name: 'a negative count', terminator: -1, error: 'RangeError' },
  { id: 'I23', name: 'a fraction', terminator: 2.5, error: 'RangeError' },
  { id: 'I25', name: 'an array of what is no delimiter', terminator: [1, 2], error: 'TypeError' },
  { id: 'I27', name: 'an empty array', terminator: [], error: 'TypeError' },
  { id: 'B4', name: 'a bigint', terminator: 6n, error: 'TypeError' },
  { id: 'B4', name: 'a number that is not exact', terminator: 2 ** 53, error: 'RangeError' },
]

t.test('AsyncChat: refuses what is no terminator by the call, and changes nothing (unlike asynchat, which fails at a read)', async (t) => {
  for (const { id, name, terminator, error } of REFUSED) {
    const { chat, give, trace } = start('\n')
    t.throws(() => chat.setTerminator(terminator as Terminator), { name: error, message: /"terminator/ }, `${id} ${name}`)
    t.throws(() => start(terminator as Terminator), { name: error, message: /"terminator/ }, `${id} ${name}, as an option`)
    await give('a\n')
    t.equal(trace(), 'C(a) F |', `${id}: the old one rules`)
    chat.close()
  }
})

t.test('AsyncChat: I24 B13 takes a string for a delimiter, as its UTF-8 (unlike asynchat, where it fails at a read)', async (t) => {
  const { chat, give, trace } = start('é')
  await give('a\u00c3')
  await give('\u00a9b')
  t.equal(trace(), 'C(a) | F C(b) |')
  chat.close()
})

t.test('AsyncChat: I26 copies a delimiter of bytes (unlike asynchat, where it may change afterwards)', async (t) => {
  const delimiter = Buffer.from(';')
  const { chat, give, trace } = start(delimiter)
  delimiter[0] = 0x0a
  await give('a;b\n')
  t.equal(trace(), 'C(a) F C(b\\n) |')
  chat.close()
})

t.test('AsyncChat: I25b takes strings from a transport that decodes (unlike asynchat, where they are an error)', async (t) => {
  const { chat, transport, give, trace } = start('\n')
  transport.setEncoding('utf8')
  await give('\u00c3\u00a9\n')
  t.equal(trace(), 'C(\u00c3\u00a9) F |')
  chat.close()
})

t.test('AsyncChat: I28 has null for a terminator where none was set (unlike asynchat, where that is an error)', async (t) => {
  const { chat, give, trace } = start(undefined as never)
  t.equal(chat.getTerminator(), null)
  await give('a\n')
  t.equal(trace(), 'C(a\\n) |')
  chat.close()
})

t.test('AsyncChat: I53 discardBuffers() between two reads loses a held prefix (as asynchat)', async (t) => {
  const { chat, give, trace } = start('\r\n')
  await give('a\r')
  chat.discardBuffers()
  await give('\nb\r\n')
  t.equal(trace(), 'C(a) | C(\\nb) F |')
  chat.close()
})

t.test('AsyncChat: I54 discardBuffers() lets a count run on (as asynchat)', async (t) => {
  const { chat, give, trace } = start(5)
  await give('ab')
  chat.discardBuffers()
  t.equal(chat.getTerminator(), 3)
  await give('cdefg')
  t.equal(trace(), 'C(ab) | C(cde) F C(fg) |')
  chat.close()
})

t.test('AsyncChat: I57 closeWhenDone() in the first found ends the session (unlike asynchat, which goes on parsing)', async (t) => {
  const { chat, transport, give, trace } = start('\n', {
    foundTerminator() {
      this.push('221\n')
      this.closeWhenDone()
    },
  })
  await give('QUIT\nNOOP\n')
  await give('RSET\n')
  await give(null)
  t.equal(trace(), 'C(QUIT) F | | |')
  t.equal(transport.text, '221\n')
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
})

t.test('AsyncChat: I95 I96 keeps the order of what arrives inside a hook (there a nested read in collect repeats bytes)', async (t) => {
  for (const hook of ['collectIncomingData', 'foundTerminator']) {
    let isNew = true
    const arrive = (): void => {
      if (isNew) transport.push('NEW\n')
      isNew = false
    }
    const { chat, transport, give, trace } = start('\n', { [hook]: arrive })
    await give('a\nb\n')
    t.equal(trace(), 'C(a) F C(b) F C(NEW) F |', hook)
    chat.close()
  }
})

t.test('AsyncChat: I71 I73 B28 an error of the transport goes to handleError once, with what came before it delivered (as asynchat)', async (t) => {
  const failure = Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })
  const errors: Error[] = []
  const { chat, transport, give, trace } = start('\n', { handleError: (error) => void errors.push(error) })
  await give('a\nb')
  transport.destroy(failure)
  t.same(await chat.whenClosed, { error: failure, incomplete: 1, unsent: 0 })
  t.equal(errors.length, 1)
  t.equal(errors[0], failure, 'the original')
  t.equal(trace(), 'C(a) F C(b) |')
})

t.test('asynchat: every corner and every complaint has a test, or a reason why it has none', async (t) => {
  t.same(ROW_IDS.filter((id) => !(id in COVERED_ROWS) && !(id in MISSING_ROWS)), [], 'none is forgotten')
  t.same(ROW_IDS.filter((id) => id in COVERED_ROWS && id in MISSING_ROWS), [], 'none is said twice')
  t.same([...Object.keys(COVERED_ROWS), ...Object.keys(MISSING_ROWS)].filter((id) => !ROW_IDS.includes(id)), [], 'none is unknown')
  t.equal(new Set(ROW_IDS).size, ROW_IDS.length, 'each once')
  for (const [id, { file, title = id }] of Object.entries(COVERED_ROWS)) {
    const isThere = new RegExp(String.raw`(?:t\.test\(|(?:id|name): ).*(?<![\w])${title}(?![\w])`).test(readFileSync(`test/${file}`, 'utf8'))
    t.ok(isThere, `${id}: "${title}" in ${file}`)
  }
})

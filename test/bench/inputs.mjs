// The bytes that are fed, made outside the timing.
//
// An input is `{ length, at(index), bytes, chunkBytes, expected }`: its chunks, and the frames
// that whoever splits it must find. Chunks of 64 KiB are Buffers with memory of their own, as a
// socket gives them. One-byte chunks are some 4,096 distinct views used over and over: millions
// of Buffers alive at once would measure the collector. No input that a peer splits ends with its delimiter,
// since splitters differ on what an empty end is; so each must also deliver an unfinished last frame.

export const CHUNK_BYTES = 65_536
/** Enough for lines to be cut by chunk borders in every way they can be. */
export const LEAST_LINES_BYTES = 6 * CHUNK_BYTES
const VIEW_COUNT = 4096

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ,;ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const WORDS = ['plain', 'Ärger', 'größe', 'été', 'данные', '一二三四', 'かな', '한글', '🚀', '👩‍💻', '3,14 €', 'end']

/** A repeatable stream of numbers below `limit` (a linear congruential generator). */
function numbers(limit) {
  let state = 12_345
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % limit
  }
}

function randomLetters(length) {
  const next = numbers(LETTERS.length)
  return Array.from({ length }, () => LETTERS[next()]).join('')
}

/** Copies `bytes` of `source`, repeated for ever, from `skipped` on, into chunks of their own memory. */
function cutIntoChunks(source, bytes, skipped = 0) {
  const chunks = []
  for (let start = 0; start < bytes; start += CHUNK_BYTES) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytes - start))
    let filled = 0
    while (filled < chunk.length) {
      filled += source.copy(chunk, filled, (skipped + start + filled) % source.length)
    }
    chunks.push(chunk)
  }
  return chunks
}

function inputOf(chunks, expected) {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return { length: chunks.length, at: (index) => chunks[index], bytes, chunkBytes: CHUNK_BYTES, expected }
}

/**
 * Lines of exactly `lineBytes`, the delimiter included; the last one lacks it. The first one is
 * shorter, by so much that every fifth chunk ends inside a CR LF when lines are of 80 bytes.
 */
export function asciiLines(lineBytes, delimiter, bytes) {
  const skipped = Math.min(15, lineBytes >> 1)
  const content = lineBytes - delimiter.length
  const count = Math.floor(bytes / lineBytes)
  const letters = randomLetters(content * 97)
  let block = ''
  for (let i = 0; i < 97; i += 1) block += letters.slice(i * content, (i + 1) * content) + delimiter
  const chunks = cutIntoChunks(Buffer.from(block), count * lineBytes - delimiter.length - skipped, skipped)
  const length = count * content - skipped
  return inputOf(chunks, { count, bytes: length, units: length })
}

/** The same bytes, and the delimiter that the last line lacks: for a protocol in which what the end cuts is an error. */
export function ended(input, delimiter) {
  const end = Buffer.from(delimiter)
  return { ...input, length: input.length + 1, at: (index) => (index < input.length ? input.at(index) : end), bytes: input.bytes + end.length }
}

/** Lines of mixed one- to four-byte characters, about 80 bytes each, cut anywhere. */
export function utf8Lines(bytes) {
  const next = numbers(WORDS.length)
  const lines = []
  for (let i = 0; i < 97; i += 1) {
    let line = WORDS[next()]
    while (Buffer.byteLength(line) < 72) line += ` ${WORDS[next()]}`
    lines.push(line)
  }
  const block = Buffer.from(`${lines.join('\n')}\n`)
  const blocks = Math.max(1, Math.floor(bytes / block.length))
  const chunks = cutIntoChunks(block, blocks * block.length - 1)
  const units = lines.reduce((sum, line) => sum + line.length, 0)
  return inputOf(chunks, {
    count: blocks * lines.length,
    bytes: blocks * (block.length - lines.length),
    units: blocks * units,
  })
}

/** One frame of `bytes`, its delimiter, and the short unfinished frame `tail`, in 64 KiB chunks. */
export function longFrame(bytes, filler, delimiter) {
  const end = Buffer.from(`${delimiter}tail`)
  const chunks = cutIntoChunks(Buffer.from(filler), bytes)
  chunks.push(end)
  return inputOf(chunks, { count: 2, bytes: bytes + 4, units: bytes + 4 })
}

/** The same bytes as `longFrame`, one at a time. */
export function longFrameByteByByte(bytes, filler, delimiter) {
  const views = fillerViews(filler)
  const end = oneByteViews(Buffer.from(`${delimiter}tail`))
  return {
    length: bytes + end.length,
    at: (index) => (index < bytes ? views[index % views.length] : end[index - bytes]),
    bytes: bytes + end.length,
    chunkBytes: 1,
    expected: { count: 2, bytes: bytes + 4, units: bytes + 4 },
  }
}

const viewsOf = new Map()

/** At least 4,096 views, a whole number of fillers; the same ones for every input made of it. */
function fillerViews(filler) {
  let views = viewsOf.get(filler)
  if (views === undefined) {
    views = oneByteViews(Buffer.from(filler.repeat(Math.ceil(VIEW_COUNT / filler.length))))
    viewsOf.set(filler, views)
  }
  return views
}

function oneByteViews(block) {
  const views = []
  for (let i = 0; i < block.length; i += 1) views.push(block.subarray(i, i + 1))
  return views
}

/** Messages of exactly `length` bytes, each after what `header(length)` gives. */
export function prefixed(length, header, bytes) {
  const block = Buffer.concat([header(length), Buffer.from(randomLetters(length))])
  const count = Math.floor(bytes / block.length)
  return inputOf(cutIntoChunks(block, count * block.length), { count, bytes: count * length, units: count * length })
}

export function uint32Header(length) {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(length)
  return header
}

export function varintHeader(length) {
  return length < 0x80 ? Buffer.from([length]) : Buffer.from([(length & 0x7f) | 0x80, length >> 7])
}

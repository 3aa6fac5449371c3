// The fastest honest thing: loops over the chunks with no stream at all. An unfinished frame is
// a list of its parts, joined once when its end is found, so that these loops are linear too.
import { StringDecoder } from 'node:string_decoder'

const LF = 10
const CR = 13

function join(parts) {
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

/** Frames end at a byte: `indexOf(10)` and `subarray`. */
export function loopOverLf(name = 'hand-written loop') {
  return { name, side: 'hand', frames: 'bytes', run: runLf }
}

function runLf(input, tally) {
  let parts = []
  for (let i = 0; i < input.length; i += 1) {
    const chunk = input.at(i)
    let start = 0
    let end = chunk.indexOf(LF)
    if (end !== -1 && parts.length > 0) {
      parts.push(chunk.subarray(0, end))
      tally.take(join(parts))
      parts = []
      start = end + 1
      end = chunk.indexOf(LF, start)
    }
    while (end !== -1) {
      tally.take(chunk.subarray(start, end))
      start = end + 1
      end = chunk.indexOf(LF, start)
    }
    if (start < chunk.length) parts.push(start === 0 ? chunk : chunk.subarray(start))
  }
  if (parts.length > 0) tally.take(join(parts))
}

/** Frames end at CR LF: `indexOf(needle)`, the needle a string or a Buffer. */
export function loopOverCrlf(name, needle) {
  const find = (chunk, start) => chunk.indexOf(needle, start)
  return { name, side: 'hand', frames: 'bytes', run: (input, tally) => runCrlf(input, tally, find) }
}

/** The same by searching LF and looking one byte back. */
export function loopOverCrlfByLastByte(name) {
  return { name, side: 'hand', frames: 'bytes', run: (input, tally) => runCrlf(input, tally, findByLastByte) }
}

function findByLastByte(chunk, start) {
  let end = chunk.indexOf(LF, start)
  while (end !== -1 && (end === start || chunk[end - 1] !== CR)) end = chunk.indexOf(LF, end + 1)
  return end === -1 ? -1 : end - 1
}

function runCrlf(input, tally, find) {
  let parts = []
  for (let i = 0; i < input.length; i += 1) {
    const chunk = input.at(i)
    let start = 0
    if (parts.length > 0 && chunk[0] === LF && parts.at(-1).at(-1) === CR) {
      // The pair is cut: CR ended the chunk before, LF begins this one.
      tally.take(join(parts).subarray(0, -1))
      parts = []
      start = 1
    }
    let end = find(chunk, start)
    if (end !== -1 && parts.length > 0) {
      parts.push(chunk.subarray(0, end))
      tally.take(join(parts))
      parts = []
      start = end + 2
      end = find(chunk, start)
    }
    while (end !== -1) {
      tally.take(chunk.subarray(start, end))
      start = end + 2
      end = find(chunk, start)
    }
    if (start < chunk.length) parts.push(start === 0 ? chunk : chunk.subarray(start))
  }
  if (parts.length > 0) tally.take(join(parts))
}

/** Text: decode a chunk once, then slice the string. */
export function loopOverDecodedText(name) {
  return { name, side: 'hand', frames: 'text', run: runDecodedText }
}

function runDecodedText(input, tally) {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for (let i = 0; i < input.length; i += 1) {
    const text = rest + decoder.write(input.at(i))
    let start = 0
    let end = text.indexOf('\n')
    while (end !== -1) {
      tally.take(text.slice(start, end))
      start = end + 1
      end = text.indexOf('\n', start)
    }
    rest = text.slice(start)
  }
  rest += decoder.end()
  if (rest !== '') tally.take(rest)
}

/** Text: search the bytes, decode each frame. */
export function loopOverTextFrames(name) {
  return { name, side: 'hand', frames: 'text', run: runTextFrames }
}

function runTextFrames(input, tally) {
  runLf(input, { take: (frame) => tally.take(frame.toString()) })
}

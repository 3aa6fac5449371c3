import t from 'tap'
import { ARRAY, ATTRIBUTES, MAP, PUSH, RespBuilder, type RespLimits, SET } from '../../src/codecs/resp-builder.js'
import { RespAttributed, RespPush, type RespValue } from '../../src/codecs/resp-values.js'

const LIMITS: RespLimits = { maxDepth: 4, maxItems: 10, wraps: true }

/** Opens a value with so many others in it; all else is added. */
class Opened {
  readonly type: number
  readonly count: number

  constructor(type: number, count: number) {
    this.type = type
    this.count = count
  }
}

type Step = Exclude<RespValue, null> | Opened | null

const open = (type: number, count: number): Opened => new Opened(type, count)
const take = (builder: RespBuilder, step: Step): boolean => (step instanceof Opened ? builder.open(step.type, step.count) : builder.add(step))

/** Whether the message was complete, after each step; and the message. */
function build(steps: readonly Step[], limits: Partial<RespLimits> = {}): { complete: readonly boolean[], message: unknown } {
  const builder = new RespBuilder({ ...LIMITS, ...limits })
  return { complete: steps.map((step) => take(builder, step)), message: builder.message }
}

t.test('RespBuilder: says that the message is complete at its last value', (t) => {
  const rows: readonly (readonly [steps: readonly Step[], message: unknown])[] = [
    [['a'], 'a'],
    [[null], null],
    [[open(ARRAY, 0)], []],
    [[open(MAP, 0)], new Map()],
    [[open(SET, 0)], new Set()],
    [[open(PUSH, 0)], new RespPush([])],
    [[open(ARRAY, 2), 1, null], [1, null]],
    [[open(MAP, 4), 'a', 1, 'b', 2], new Map([['a', 1], ['b', 2]])],
    [[open(MAP, 4), 'a', 1, 'a', 2], new Map([['a', 2]])],
    [[open(SET, 2), 1, 1], new Set([1])],
    [[open(PUSH, 2), 'message', open(ARRAY, 1), 1], new RespPush(['message', [1]])],
    [[open(ARRAY, 3), open(ARRAY, 0), open(ARRAY, 1), 1, 2], [[], [1], 2]],
    [[open(ARRAY, 1), open(SET, 1), open(MAP, 2), 'k', open(ARRAY, 0)], [new Set([new Map([['k', []]])])]],
  ]
  for (const [index, [steps, message]] of rows.entries()) {
    t.strictSame(build(steps), { complete: steps.map((_, step) => step === steps.length - 1), message }, `row ${index}`)
  }
  t.end()
})

t.test('RespBuilder: keeps attributes with the value after them, or passes them over', (t) => {
  const about = new Map([['a', 1]])
  const attributes = [open(ATTRIBUTES, 2), 'a', 1]
  const rows: readonly (readonly [steps: readonly Step[], wrapped: unknown, ignored: unknown])[] = [
    [[...attributes, 'x'], new RespAttributed(about, 'x'), 'x'],
    [[...attributes, open(ARRAY, 1), 'x'], new RespAttributed(about, ['x']), ['x']],
    [[...attributes, open(PUSH, 0)], new RespAttributed(about, new RespPush([])), new RespPush([])],
    [[open(ATTRIBUTES, 0), 'x'], new RespAttributed(new Map(), 'x'), 'x'],
    [[open(ARRAY, 2), ...attributes, 'x', 'y'], [new RespAttributed(about, 'x'), 'y'], ['x', 'y']],
    [[open(ATTRIBUTES, 2), 'k', open(ARRAY, 0), 'x'], new RespAttributed(new Map([['k', []]]), 'x'), 'x'],
    [[...attributes, open(ATTRIBUTES, 2), 'b', 3, 'x'], new RespAttributed(new Map([['a', 1], ['b', 3]]), 'x'), 'x'],
    [[...attributes, open(ATTRIBUTES, 4), 'a', 2, 'b', 3, 'x'], new RespAttributed(new Map([['a', 2], ['b', 3]]), 'x'), 'x'],
  ]
  for (const [index, [steps, wrapped, ignored]] of rows.entries()) {
    const complete = steps.map((_, step) => step === steps.length - 1)
    t.strictSame(build(steps), { complete, message: wrapped }, `row ${index}, kept`)
    t.strictSame(build(steps, { wraps: false }), { complete, message: ignored }, `row ${index}, passed over`)
  }
  t.end()
})

t.test('RespBuilder: says whether the next value is at the top', (t) => {
  const builder = new RespBuilder(LIMITS)
  const seen = [builder.isAtTop]
  for (const step of [open(ATTRIBUTES, 2), 'k', 'v', open(ARRAY, 1), 'x']) {
    take(builder, step)
    seen.push(builder.isAtTop)
  }
  t.strictSame(seen, [true, false, false, true, false, true])
  t.end()
})

t.test('RespBuilder: refuses what is deeper than maxDepth, attributes included', (t) => {
  const maxDepth = 2
  const error = { name: 'FramingError', code: 'ERR_FRAME_MALFORMED', message: 'Values are nested too deep: the limit is 2', limit: 2 }
  for (const type of [ARRAY, MAP, SET, ATTRIBUTES]) {
    t.throws(() => build([open(ARRAY, 1), open(ARRAY, 2), open(type, 0)], { maxDepth }), error)
  }
  t.throws(() => build([open(ARRAY, 1)], { maxDepth: 0 }), { message: /the limit is 0$/ })
  const beside = build([open(ARRAY, 3), open(ARRAY, 0), open(ATTRIBUTES, 0), open(ARRAY, 1), 1, open(ARRAY, 0)], { maxDepth, wraps: false })
  t.strictSame(beside.message, [[], [1], []], 'what is closed counts no more')
  t.end()
})

t.test('RespBuilder: refuses more than maxItems as soon as they are declared', (t) => {
  const maxItems = 3
  const error = { name: 'FramingError', code: 'ERR_FRAME_TOO_LONG', message: 'Message has too many values: the limit is 3, it has at least 4', limit: 3, length: 4 }
  t.throws(() => build([open(ARRAY, 4)], { maxItems }), error)
  t.throws(() => build([open(ARRAY, 2), open(ARRAY, 1), 1, open(ARRAY, 1)], { maxItems }), error)
  t.throws(() => build([open(ATTRIBUTES, 2), 'k', 'v', open(ARRAY, 2)], { maxItems, wraps: false }), error)
  t.strictSame(build([open(ARRAY, 2), open(ARRAY, 1), 1, 2], { maxItems }).message, [[1], 2])
  t.end()
})

t.test('RespBuilder: costs no stack for what is nested deep', (t) => {
  const depth = 200_000
  const builder = new RespBuilder({ maxDepth: depth, maxItems: depth, wraps: false })
  let completeCount = 0
  for (let level = 0; level < depth; level++) if (builder.open(ARRAY, 1)) completeCount++
  t.equal(completeCount, 0)
  t.ok(builder.add(1))
  let levels = 0
  let value: unknown = builder.message
  for (; Array.isArray(value); levels++) [value] = value
  t.strictSame([levels, value], [depth, 1])
  t.end()
})

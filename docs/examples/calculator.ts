// node build/docs/examples/calculator.js   then: 1 + 2 * 3   (in a pipe: echo '1 + 2 * 3' | node build/docs/examples/calculator.js)
import { fileURLToPath } from 'node:url'
import { AsyncChat, type EndInfo, type Transport, stdio } from 'asynchat'

const MAX_LINE_LENGTH = 1024
const MAX_DEPTH = 100

/** One request per line in, one answer per line out: the value of an expression, or "error: " and what is wrong with it. */
export class Calculator extends AsyncChat {
  readonly prompt: string

  constructor(transport: Transport, { prompt = '' } = {}) {
    // A longer line is cut down, and told by how it ended: no input, however long, takes more memory than that.
    super(transport, { terminator: ['\n', '\r\n'], maxFrameLength: MAX_LINE_LENGTH, overflow: 'truncate' })
    this.prompt = prompt
  }

  override handleConnect(): void {
    this.push(this.prompt)
  }

  override handleFrame(line: Buffer): void {
    const isWhole = this.ending !== 'truncated'
    this.push(`${isWhole ? answerTo(line.toString()) : `error: line longer than ${MAX_LINE_LENGTH} bytes`}\n${this.prompt}`)
  }

  /** The last line may come without its line feed. */
  override handleEnd({ incomplete }: EndInfo): void {
    if (incomplete > 0) this.push(`${answerTo(this.takeCollected().toString())}\n`)
    else if (this.prompt !== '') this.push('\n')
    this.closeWhenDone()
  }
}

/** The answer to a line; every line has one, so that a program that asks can count. */
export function answerTo(line: string): string {
  try {
    return String(new Parser(line).parse())
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * By recursive descent, one method a rule:
 *
 *     sum     = product { ("+" | "-") product }
 *     product = power { ("*" | "/" | "%") power }
 *     power   = "-" power | atom [ "^" power ]
 *     atom    = number | "(" sum ")"
 */
class Parser {
  readonly #tokens: readonly string[]
  #next = 0
  #depth = 0

  constructor(text: string) {
    this.#tokens = text.match(/\d+(?:\.\d+)?(?:e[+-]?\d+)?|\S/gu) ?? []
  }

  parse(): number {
    const value = this.#sum()
    if (this.#next < this.#tokens.length) throw new Error(`unexpected ${this.#shown}`)
    return value
  }

  #sum(): number {
    let value = this.#product()
    for (;;) {
      if (this.#take('+')) value += this.#product()
      else if (this.#take('-')) value -= this.#product()
      else return value
    }
  }

  #product(): number {
    let value = this.#power()
    for (;;) {
      if (this.#take('*')) value *= this.#power()
      else if (this.#take('/')) value /= this.#divisor()
      else if (this.#take('%')) value %= this.#divisor()
      else return value
    }
  }

  #divisor(): number {
    const value = this.#power()
    if (value === 0) throw new Error('division by zero')
    return value
  }

  #power(): number {
    // What is nested comes from the peer: it must not be the stack that says when it is enough.
    if (++this.#depth > MAX_DEPTH) throw new Error('nested too deeply')
    const value = this.#take('-') ? -this.#power() : this.#raised(this.#atom())
    this.#depth--
    return value
  }

  #raised(base: number): number {
    return this.#take('^') ? base ** this.#power() : base
  }

  #atom(): number {
    if (this.#take('(')) {
      const value = this.#sum()
      if (!this.#take(')')) throw new Error(`expected ")", got ${this.#shown}`)
      return value
    }
    const token = this.#tokens[this.#next] ?? ''
    if (!/^\d/.test(token)) throw new Error(`expected a number, got ${this.#shown}`)
    this.#next++
    return Number(token)
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false
    this.#next++
    return true
  }

  get #shown(): string {
    const token = this.#tokens[this.#next]
    return token === undefined ? 'the end of the line' : JSON.stringify(token)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const calculator = new Calculator(stdio(), { prompt: process.stdin.isTTY ? '> ' : '' })
  calculator.handleError = (error) => {
    console.error(`error: ${error.message}`)
    process.exitCode = 1
    calculator.close()
  }
}

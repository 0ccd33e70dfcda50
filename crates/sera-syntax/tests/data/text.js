// Text layout.
const WIDTH = 80;
const TAB = 4;

export function wrap(text, width = WIDTH, indent = 0) {
  const lines = [];
  let line = ' '.repeat(indent);
  let length = indent;
  for (const word of text.trim().split(' ')) {
    if (length + word.length > width && length > indent) {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent);
      length = indent;
    }
    line += word + ' ';
    length += word.length + 1;
  }
  lines.push(line.trimEnd());
  return lines;
}

export function expandTabs(text, size = TAB) {
  let column = 0;
  let result = '';
  for (const char of text) {
    if (char === '\t') {
      const gap = size - (column % size);
      result += ' '.repeat(gap);
      column += gap;
    } else {
      result += char;
      column = char === '\n' ? 0 : column + 1;
    }
  }
  return result;
}

export class Table {
  constructor(columns, options) {
    this.columns = columns;
    this.rows = [];
    this.widths = columns.map((name) => name.length);
    this.border = options?.border ?? true;
    this.align = options?.align || 'left';
  }

  addRow(cells, strict = false) {
    if (cells.length !== this.columns.length && strict) {
      return false;
    }
    const row = cells.map((cell) => String(cell).trim());
    row.forEach((cell, index) => {
      this.widths[index] = Math.max(this.widths[index], cell.length);
    });
    this.rows.push(row);
    return true;
  }

  render(limit) {
    const output = [];
    const rows = this.rows.slice(0, limit);
    for (let index = 0; index < rows.length; index++) {
      const cells = rows[index].map((cell, column) => pad(cell, this.widths[column], this.align));
      const line = cells.join(this.border ? ' | ' : '  ');
      output.push(this.border ? '| ' + line + ' |' : line);
    }
    return output.join('\n');
  }
}

export function pad(text, width, align) {
  const missing = width - text.length;
  if (missing <= 0) {
    return text;
  }
  if (align === 'right') {
    return ' '.repeat(missing) + text;
  }
  return text + ' '.repeat(missing);
}

export function countWords(text, minimum, ignore) {
  const counts = new Map();
  const words = text.toLowerCase().split(/\W+/);
  for (const word of words) {
    if (word.length < minimum || ignore.includes(word)) {
      continue;
    }
    const before = counts.get(word) || 0;
    counts.set(word, before + 1);
  }
  return counts;
}

const MAX_WIDTH = 80;

// Reads what the paths hold, all at once.
export async function load(read, paths, options = {}) {
  const names = [...paths];
  let width = options.width ?? MAX_WIDTH;
  try {
    const texts = await read({ paths: names, width: width, strict: true });
    names.push('end');
    names.sort();
    return texts;
  } catch (error) {
    options.failed = true;
    throw error;
  } finally {
    options.done = true;
  }
}

export function kindOf(text, width) {
  let kind = 'plain';
  switch (text[0]) {
    case '#':
      kind = 'title';
      break;
    case '-':
      kind = 'entry';
      break;
    default:
      kind = 'text';
  }
  if (text.length > width) {
    kind = kind.toUpperCase();
  } else {
    kind = kind.trim();
  }
  return kind;
}

function half(n) {
  return n / 2;
}

export function middle(low, high) {
  const sum = low + high;
  return half(sum);
}

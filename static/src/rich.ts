// Cuts a sentence with **bold** and `mono` into pieces of text. Text stays text; nothing is ever HTML.

export interface Piece {
  text: string
  as: 'plain' | 'bold' | 'mono'
}

export function pieces(sentence: string): Piece[] {
  return sentence
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part.length > 4 && part.startsWith('**') && part.endsWith('**')) return { text: part.slice(2, -2), as: 'bold' }
      if (part.length > 2 && part.startsWith('`') && part.endsWith('`')) return { text: part.slice(1, -1), as: 'mono' }
      return { text: part, as: 'plain' }
    })
}

/** Where a line may break inside a config's name or an address: behind its dots. */
export const breakable = (text: string) => text.split(/(?<=[a-z]\.)(?=[a-z])/)

export const plain = (sentence: string) => pieces(sentence).map((piece) => piece.text).join('')

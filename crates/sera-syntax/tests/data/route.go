// Package route finds ways through a grid.
package route

import (
	"errors"
	"os"
	"strings"
	"sync"
)

const maxSteps = 500
const maxCost = 9000

// Point is a cell.
type Point struct {
	Row  int
	Col  int
	Cost int
	From int
	Name string
	Kind string
}

// Grid is a map.
type Grid struct {
	Width  int
	Height int
	cells  []Point
	names  map[string]int
}

// Add puts a named point on the grid.
func (g *Grid) Add(name string, row int, col int, cost int) (int, error) {
	name = strings.TrimSpace(strings.ToLower(name))
	if name == "" {
		return 0, errors.New("a point needs a name")
	}
	if row < 0 || row >= g.Height || col < 0 || col >= g.Width {
		return 0, errors.New("outside the grid")
	}
	index := row*g.Width + col
	g.names[name] = index
	g.cells[index].Cost = cost
	g.cells[index].Name = name
	return index, nil
}

// Distance counts steps.
func (g *Grid) Distance(first Point, second Point) int {
	rows := first.Row - second.Row
	cols := first.Col - second.Col
	if rows < 0 {
		rows = -rows
	}
	if cols < 0 {
		cols = -cols
	}
	return rows + cols
}

// Neighbours lists the cells around a cell.
func (g *Grid) Neighbours(index int, limit int) []int {
	row := index / g.Width
	col := index % g.Width
	found := []int{}
	if row > 0 {
		found = append(found, index-g.Width)
	}
	if row < g.Height-1 {
		found = append(found, index+g.Width)
	}
	if col > 0 {
		found = append(found, index-1)
	}
	if col+1 < g.Width {
		found = append(found, index+1)
	}
	if len(found) > limit {
		found = found[:limit]
	}
	return found
}

// Total sums the cost of a path.
func (g *Grid) Total(path []int, scale int) (int, error) {
	total := 0
	for step, index := range path {
		if step > maxSteps {
			break
		}
		if index >= len(g.cells) {
			return 0, errors.New("no such cell")
		}
		total += g.cells[index].Cost * scale
		if total > maxCost {
			return maxCost, nil
		}
	}
	return total, nil
}

// Lookup finds points by prefix.
func (g *Grid) Lookup(prefix string, strict bool) []int {
	found := []int{}
	for name, index := range g.names {
		if strict && name != prefix {
			continue
		}
		if strings.HasPrefix(name, prefix) && index >= 0 {
			found = append(found, index)
		}
	}
	return found
}

// Walk follows a line of letters.
func Walk(start Point, letters string, width int, height int) (Point, error) {
	row := start.Row
	col := start.Col
	for _, letter := range strings.Split(letters, "") {
		switch letter {
		case "u":
			row -= 1
		case "d":
			row += 1
		case "l":
			col -= 1
		case "r":
			col += 1
		default:
			continue
		}
		if row < 0 || row >= height || col < 0 || col >= width {
			return start, errors.New("left the grid")
		}
	}
	return Point{Row: row, Col: col, Cost: start.Cost + len(letters)}, nil
}

// MaxTries is how often a walk is begun again.
const MAX_TRIES = 3

// Store keeps grids by name.
type Store struct {
	mu    sync.Mutex
	grids map[string]*Grid
	tries int
	full  bool
}

// Put keeps a grid and says how many there are.
func (s *Store) Put(name string, grid *Grid) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if grid == nil {
		return 0, errors.New("no grid")
	}
	s.grids[name] = grid
	s.tries = 0
	s.full = false
	return len(s.grids), nil
}

// Load reads names from a file.
func (s *Store) Load(path string, kind int) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names := []string{"first", "second", path}
	switch kind {
	case 0:
		names = append(names, "plain")
	case 1:
		names = append(names, "packed")
	default:
		names = append(names, "other")
	}
	if s.tries > MAX_TRIES {
		s.tries = 0
	} else {
		s.tries += 1
	}
	return names, nil
}

func half(n int) int {
	return n / 2
}

func middle(low int, high int) int {
	sum := low + high
	return half(sum)
}

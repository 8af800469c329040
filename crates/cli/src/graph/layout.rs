//! Where a layered drawing of a graph puts things: what is needed above, what needs it below, few crossings.
//!
//! The steps are those of Sugiyama: layers by longest path, lines over several layers broken into one bend a layer,
//! the order within each layer by the mean of its neighbours, and places as near to the neighbours as the order allows.

/// Sizes and distances, in the units of the drawing.
pub(super) const HEIGHT: f64 = 46.0;
const BETWEEN_LAYERS: f64 = 54.0;
const BETWEEN_BOXES: f64 = 26.0;
const MARGIN: f64 = 16.0;
/// Width of a line where it passes a layer.
const BEND: f64 = 8.0;

const SWEEPS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The middle of each box.
    pub(super) boxes: Vec<Point>,
    /// For each edge the points it passes, from the box that needs (below) to the one that is needed (above).
    pub(super) lines: Vec<Vec<Point>>,
}

/// A box, or the place where a line passes a layer.
struct Item {
    width: f64,
    layer: usize,
    /// Its neighbours in the layer above, and in the one below.
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Lays out boxes of these widths. An edge goes from a box to one before it.
pub(super) fn layout(widths: &[f64], edges: &[(usize, usize)]) -> Layout {
    let layers = layers(widths.len(), edges);
    let mut items: Vec<Item> = widths
        .iter()
        .zip(&layers)
        .map(|(&width, &layer)| Item {
            width,
            layer,
            above: Vec::new(),
            below: Vec::new(),
        })
        .collect();
    let ways: Vec<Vec<usize>> = edges.iter().map(|&edge| way(&mut items, edge)).collect();
    let rows = order(&items);
    let centers = place(&items, &rows);
    draw(widths.len(), &items, &centers, &ways, rows.len())
}

/// A resource without dependencies stands just above its first dependent, every other just below its last dependency.
fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; count];
    for below in 0..count {
        let needed = edges.iter().filter(|(from, _)| *from == below);
        layers[below] = needed.map(|&(_, to)| layers[to] + 1).max().unwrap_or(0);
    }
    for root in 0..count {
        if layers[root] == 0 {
            let users = edges.iter().filter(|(_, to)| *to == root);
            layers[root] = users.map(|&(from, _)| layers[from] - 1).min().unwrap_or(0);
        }
    }
    layers
}

/// The items that an edge passes, bends among them, each joined to the next.
fn way(items: &mut Vec<Item>, (from, to): (usize, usize)) -> Vec<usize> {
    let mut way = vec![from];
    for layer in (items[to].layer + 1..items[from].layer).rev() {
        items.push(Item {
            width: BEND,
            layer,
            above: Vec::new(),
            below: Vec::new(),
        });
        way.push(items.len() - 1);
    }
    way.push(to);
    for pair in way.windows(2) {
        items[pair[0]].above.push(pair[1]);
        items[pair[1]].below.push(pair[0]);
    }
    way
}

/// The items of each layer from left to right, with the fewest crossings that the sweeps met.
fn order(items: &[Item]) -> Vec<Vec<usize>> {
    let count = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        rows[item.layer].push(index);
    }
    let mut best = rows.clone();
    for sweep in 0..SWEEPS {
        let is_downwards = sweep % 2 == 0;
        for step in 1..count {
            let layer = if is_downwards { step } else { count - 1 - step };
            let places = places(items.len(), &rows);
            let neighbours = |index: &usize| {
                let item = &items[*index];
                if is_downwards {
                    &item.above
                } else {
                    &item.below
                }
            };
            // A stable sort: those without neighbours keep close to where they were.
            rows[layer].sort_by(|left, right| {
                let mean = |index| mean(neighbours(index), &places).unwrap_or(places[*index]);
                mean(left).total_cmp(&mean(right))
            });
        }
        if crossings(items, &rows) < crossings(items, &best) {
            best.clone_from(&rows);
        }
    }
    best
}

/// The position of each item in its row, as a fraction of it.
fn places(count: usize, rows: &[Vec<usize>]) -> Vec<f64> {
    let mut places = vec![0.0; count];
    for row in rows {
        for (place, &index) in row.iter().enumerate() {
            places[index] = (number(place) + 0.5) / number(row.len());
        }
    }
    places
}

fn crossings(items: &[Item], rows: &[Vec<usize>]) -> usize {
    let places = places(items.len(), rows);
    rows.iter()
        .map(|row| {
            let lines: Vec<(f64, f64)> = row
                .iter()
                .flat_map(|&index| {
                    let above = items[index].above.iter();
                    above.map(move |&above| (index, above))
                })
                .map(|(below, above)| (places[below], places[above]))
                .collect();
            let crossed = |(index, line): (usize, &(f64, f64))| {
                lines[index + 1..]
                    .iter()
                    .filter(|other| (line.0 - other.0) * (line.1 - other.1) < 0.0)
                    .count()
            };
            lines.iter().enumerate().map(crossed).sum::<usize>()
        })
        .sum()
}

/// The middle of each item, as near to its neighbours' as its row allows.
fn place(items: &[Item], rows: &[Vec<usize>]) -> Vec<f64> {
    let mut centers = vec![0.0; items.len()];
    for row in rows {
        let wanted = vec![0.0; row.len()];
        settle(items, row, &wanted, &mut centers);
    }
    for sweep in 0..SWEEPS {
        for step in 0..rows.len() {
            let layer = if sweep % 2 == 0 {
                step
            } else {
                rows.len() - 1 - step
            };
            let row = &rows[layer];
            let wanted: Vec<f64> = row
                .iter()
                .map(|&index| {
                    let item = &items[index];
                    let neighbours: Vec<usize> =
                        item.above.iter().chain(&item.below).copied().collect();
                    mean(&neighbours, &centers).unwrap_or(centers[index])
                })
                .collect();
            settle(items, row, &wanted, &mut centers);
        }
    }
    let left = items
        .iter()
        .zip(&centers)
        .map(|(item, center)| center - item.width / 2.0)
        .fold(f64::INFINITY, f64::min);
    centers
        .iter()
        .map(|center| center - left + MARGIN)
        .collect()
}

/// Puts a row where it is wanted with the least sum of squared shifts: neighbours that would overlap are pooled.
fn settle(items: &[Item], row: &[usize], wanted: &[f64], centers: &mut [f64]) {
    let mut offsets = vec![0.0; row.len()];
    for place in 1..row.len() {
        let (left, right) = (&items[row[place - 1]], &items[row[place]]);
        offsets[place] =
            offsets[place - 1] + f64::midpoint(left.width, right.width) + BETWEEN_BOXES;
    }
    // Each pool: the sum of what its members want without their offsets, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (wanted - offset, 1);
        while let Some(&(sum, count)) = pools.last() {
            if sum / number(count) < pool.0 / number(pool.1) {
                break;
            }
            pool = (pool.0 + sum, pool.1 + count);
            pools.pop();
        }
        pools.push(pool);
    }
    let starts = pools
        .iter()
        .flat_map(|&(sum, count)| std::iter::repeat_n(sum / number(count), count));
    for ((&index, offset), start) in row.iter().zip(&offsets).zip(starts) {
        centers[index] = start + offset;
    }
}

fn draw(
    boxes: usize,
    items: &[Item],
    centers: &[f64],
    ways: &[Vec<usize>],
    layers: usize,
) -> Layout {
    let middle = |index: usize| Point {
        x: centers[index],
        y: MARGIN + HEIGHT / 2.0 + number(items[index].layer) * (HEIGHT + BETWEEN_LAYERS),
    };
    let right = items
        .iter()
        .zip(centers)
        .map(|(item, center)| center + item.width / 2.0)
        .fold(0.0, f64::max);
    let lines = ways.iter().map(|way| {
        let mut points = Vec::new();
        for (place, &index) in way.iter().enumerate() {
            let point = middle(index);
            // A box is left at its upper edge and reached at its lower one; a bend is passed through.
            if place + 1 == way.len() {
                let x = port(items, centers, index, &items[index].below, way[place - 1]);
                points.push(Point {
                    x,
                    y: point.y + HEIGHT / 2.0,
                });
            } else if place == 0 {
                let x = port(items, centers, index, &items[index].above, way[1]);
                points.push(Point {
                    x,
                    y: point.y - HEIGHT / 2.0,
                });
            } else {
                points.push(Point {
                    y: point.y + HEIGHT / 2.0,
                    ..point
                });
                points.push(Point {
                    y: point.y - HEIGHT / 2.0,
                    ..point
                });
            }
        }
        points
    });
    Layout {
        width: right + MARGIN,
        height: 2.0 * MARGIN + number(layers) * (HEIGHT + BETWEEN_LAYERS) - BETWEEN_LAYERS,
        boxes: (0..boxes).map(middle).collect(),
        lines: lines.collect(),
    }
}

/// Returns the point on the edge of the box `index` where the line from or to `other` ends: lines are spread in their order.
fn port(items: &[Item], centers: &[f64], index: usize, joined: &[usize], other: usize) -> f64 {
    let mut joined = joined.to_vec();
    joined.sort_by(|left, right| centers[*left].total_cmp(&centers[*right]));
    let place = joined
        .iter()
        .position(|&joined| joined == other)
        .unwrap_or(0);
    let share = (number(place) + 1.0) / (number(joined.len()) + 1.0);
    centers[index] + (share - 0.5) * items[index].width * 0.8
}

fn mean(of: &[usize], values: &[f64]) -> Option<f64> {
    let sum: f64 = of.iter().map(|&index| values[index]).sum();
    (!of.is_empty()).then(|| sum / number(of.len()))
}

/// Graphs that anybody looks at have far fewer than 2^32 parts.
fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A diamond with a line that passes a layer, and a box that only the last one needs.
    const EDGES: [(usize, usize); 6] = [(1, 0), (2, 0), (3, 1), (3, 2), (3, 0), (5, 4)];

    fn example() -> Layout {
        layout(&[100.0, 80.0, 120.0, 60.0, 90.0, 90.0], &EDGES)
    }

    #[test]
    fn what_is_needed_stands_above() {
        let layout = example();
        for ((from, to), line) in EDGES.iter().zip(&layout.lines) {
            assert!(layout.boxes[*to].y < layout.boxes[*from].y);
            assert!(line.windows(2).all(|pair| pair[1].y <= pair[0].y));
        }
    }

    #[test]
    fn boxes_do_not_overlap_and_all_is_inside() {
        let widths = [100.0, 80.0, 120.0, 60.0, 90.0, 90.0];
        let layout = example();
        for (left, a) in layout.boxes.iter().enumerate() {
            assert!(a.x - widths[left] / 2.0 >= MARGIN - 0.01);
            assert!(a.x + widths[left] / 2.0 <= layout.width - MARGIN + 0.01);
            assert!(a.y + HEIGHT / 2.0 <= layout.height - MARGIN + 0.01);
            for (right, b) in layout.boxes.iter().enumerate().skip(left + 1) {
                let apart = f64::midpoint(widths[left], widths[right]);
                assert!(
                    (a.y - b.y).abs() > HEIGHT || (a.x - b.x).abs() >= apart,
                    "{left} and {right} overlap"
                );
            }
        }
    }

    #[test]
    fn sweeps_take_crossings_out() {
        // Declared so that both lines cross; the order within the layer is free.
        let layout = layout(&[50.0; 4], &[(2, 1), (3, 0)]);
        let is_left = |a: usize, b: usize| layout.boxes[a].x < layout.boxes[b].x;
        assert_eq!(is_left(0, 1), is_left(3, 2));
    }

    #[test]
    fn nothing_is_drawn_as_nothing() {
        let layout = layout(&[], &[]);
        assert!(layout.boxes.is_empty() && layout.lines.is_empty());
    }
}

//! Matrix products in f32, over the `gemm` crate, behind bounds that are checked.
#![expect(unsafe_code, reason = "the gemm crate takes raw pointers")]

/// A read-only matrix in a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` × `columns`, rows `stride` apart.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        let matrix = Self { data, rows, columns, row_stride: stride, column_stride: 1 };
        assert!(matrix.end() <= data.len(), "a matrix exceeds its slice");
        matrix
    }

    /// Rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn end(&self) -> usize {
        match (self.rows, self.columns) {
            (0, _) | (_, 0) => 0,
            (rows, columns) => {
                (rows - 1) * self.row_stride + (columns - 1) * self.column_stride + 1
            }
        }
    }
}

/// Who computes a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling thread.
    One,
    /// The pool.
    All,
}

/// A matrix that is written: row-major, rows `stride` apart.
#[derive(Debug)]
pub(crate) struct Destination<'a> {
    data: &'a mut [f32],
    stride: usize,
    add: bool,
}

impl<'a> Destination<'a> {
    /// The product replaces what is there.
    pub(crate) fn set(data: &'a mut [f32], stride: usize) -> Self {
        Self { data, stride, add: false }
    }

    /// The product is added to what is there.
    pub(crate) fn add(data: &'a mut [f32], stride: usize) -> Self {
        Self { data, stride, add: true }
    }
}

/// `to (+)= factor · a · b`. The order of summation depends on the shapes and on the number of
/// threads only.
pub(crate) fn product(
    to: Destination<'_>,
    factor: f32,
    a: Matrix<'_>,
    b: Matrix<'_>,
    threads: Threads,
) {
    let Destination { data, stride, add } = to;
    assert_eq!(a.columns, b.rows, "inner dimensions differ");
    let (m, n, k) = (a.rows, b.columns, a.columns);
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= stride, "rows of the product overlap");
    assert!((m - 1) * stride + n <= data.len(), "the product exceeds its slice");
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(rayon::current_num_threads()),
    };
    // SAFETY: `Matrix::new` and the assertions above keep every element that the strides reach
    // within the three slices; `data` is borrowed mutably, so it overlaps neither operand; rows of
    // it do not overlap each other because its stride is at least n.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            data.as_mut_ptr(),
            1,
            stride.cast_signed(),
            add,
            a.data.as_ptr(),
            a.column_stride.cast_signed(),
            a.row_stride.cast_signed(),
            b.data.as_ptr(),
            b.column_stride.cast_signed(),
            b.row_stride.cast_signed(),
            1.0,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`product`] computes, without pointers.
    fn twin(a: Matrix<'_>, b: Matrix<'_>, row: usize, column: usize) -> f32 {
        (0..a.columns)
            .map(|k| {
                a.data[row * a.row_stride + k * a.column_stride]
                    * b.data[k * b.row_stride + column * b.column_stride]
            })
            .sum()
    }

    #[test]
    fn products_equal_their_twin() {
        let x: Vec<f32> = (0..4000u16).map(|i| f32::from(i % 17) - 8.0).collect();
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (16, 33, 20), (40, 16, 64)] {
            for (add, transpose) in [(false, false), (true, true)] {
                let a = Matrix::new(&x, m, k, k + 1);
                let b = if transpose {
                    Matrix::new(&x[3..], n, k, k + 2).transposed()
                } else {
                    Matrix::new(&x[3..], k, n, n + 2)
                };
                let mut out = vec![1.0; m * (n + 3)];
                let to = if add { Destination::add } else { Destination::set };
                product(to(&mut out, n + 3), 0.5, a, b, Threads::One);
                for row in 0..m {
                    for column in 0..n + 3 {
                        let found = out.get(row * (n + 3) + column).copied().unwrap_or(1.0);
                        let kept = if add || column >= n { 1.0 } else { 0.0 };
                        let new = if column < n { 0.5 * twin(a, b, row, column) } else { 0.0 };
                        assert!((found - kept - new).abs() < 1e-3, "{m}x{n}x{k}: {row},{column}");
                    }
                }
            }
        }
    }
}

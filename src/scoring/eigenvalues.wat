;; Eigenvalues of a symmetric matrix: Householder tridiagonalisation, then QL with implicit shifts (eigenvalues.ts). Made into
;; eigenvalues-kernel.ts by `npm run kernels`. Pointers are bytes, numbers are f64.
(module
  (memory (export "memory") 1)
  ;; On the rows and columns from $first of the upper triangle at $a, row-major, $d numbers a row:
  ;; A := A - u wT - w uT, and p := A x with the A so updated; u, w, x and p have $d numbers.
  ;; Two rows a walk, two columns a step: each element is loaded and stored once. $i, $j and $end count bytes.
  (func $update (param $a i32) (param $d i32) (param $first i32) (param $u i32) (param $w i32) (param $x i32) (param $p i32)
    (local $i i32) (local $row0 i32) (local $row1 i32) (local $j i32) (local $end i32) 
    (local $U0 v128) (local $W0 v128) (local $X0 v128) (local $U1 v128) (local $W1 v128) (local $X1 v128)
    (local $S0 v128) (local $S1 v128) (local $uj v128) (local $wj v128) (local $xj v128) (local $a0 v128) (local $a1 v128)
    (local $u0 f64) (local $w0 f64) (local $x0 f64) (local $u1 f64) (local $w1 f64) (local $x1 f64)
    (local $a00 f64) (local $a01 f64) (local $a11 f64) (local $s0 f64) (local $s1 f64) (local $b0 f64) (local $b1 f64)
    (local $stride i32)
    (local.set $stride (i32.shl (local.get $d) (i32.const 3)))
    (memory.fill (i32.add (local.get $p) (i32.shl (local.get $first) (i32.const 3))) (i32.const 0)
      (i32.shl (i32.sub (local.get $d) (local.get $first)) (i32.const 3)))
    (local.set $i (i32.shl (local.get $first) (i32.const 3)))
    (local.set $end (local.get $stride))
    (block $done (loop $rows
      (br_if $done (i32.ge_s (i32.add (local.get $i) (i32.const 8)) (local.get $end)))
      (local.set $row0 (i32.add (local.get $a) (i32.mul (i32.shr_u (local.get $i) (i32.const 3)) (local.get $stride))))
      (local.set $row1 (i32.add (local.get $row0) (local.get $stride)))
      (local.set $u0 (f64.load (i32.add (local.get $u) (local.get $i)))) (local.set $u1 (f64.load offset=8 (i32.add (local.get $u) (local.get $i))))
      (local.set $w0 (f64.load (i32.add (local.get $w) (local.get $i)))) (local.set $w1 (f64.load offset=8 (i32.add (local.get $w) (local.get $i))))
      (local.set $x0 (f64.load (i32.add (local.get $x) (local.get $i)))) (local.set $x1 (f64.load offset=8 (i32.add (local.get $x) (local.get $i))))
      (local.set $a00 (f64.sub (f64.load (i32.add (local.get $row0) (local.get $i))) (f64.mul (f64.const 2) (f64.mul (local.get $u0) (local.get $w0)))))
      (local.set $a01 (f64.sub (f64.sub (f64.load offset=8 (i32.add (local.get $row0) (local.get $i))) (f64.mul (local.get $u0) (local.get $w1))) (f64.mul (local.get $w0) (local.get $u1))))
      (local.set $a11 (f64.sub (f64.load offset=8 (i32.add (local.get $row1) (local.get $i))) (f64.mul (f64.const 2) (f64.mul (local.get $u1) (local.get $w1)))))
      (f64.store (i32.add (local.get $row0) (local.get $i)) (local.get $a00))
      (f64.store offset=8 (i32.add (local.get $row0) (local.get $i)) (local.get $a01))
      (f64.store offset=8 (i32.add (local.get $row1) (local.get $i)) (local.get $a11))
      (local.set $s0 (f64.add (f64.mul (local.get $a00) (local.get $x0)) (f64.mul (local.get $a01) (local.get $x1))))
      (local.set $s1 (f64.add (f64.mul (local.get $a01) (local.get $x0)) (f64.mul (local.get $a11) (local.get $x1))))
      (local.set $U0 (f64x2.splat (local.get $u0))) (local.set $U1 (f64x2.splat (local.get $u1)))
      (local.set $W0 (f64x2.splat (local.get $w0))) (local.set $W1 (f64x2.splat (local.get $w1)))
      (local.set $X0 (f64x2.splat (local.get $x0))) (local.set $X1 (f64x2.splat (local.get $x1)))
      (local.set $S0 (f64x2.splat (f64.const 0))) (local.set $S1 (f64x2.splat (f64.const 0)))
      (local.set $j (i32.add (local.get $i) (i32.const 16)))
      (block $tail (loop $columns
        (br_if $tail (i32.ge_s (i32.add (local.get $j) (i32.const 8)) (local.get $end)))
        (local.set $uj (v128.load (i32.add (local.get $u) (local.get $j))))
        (local.set $wj (v128.load (i32.add (local.get $w) (local.get $j))))
        (local.set $xj (v128.load (i32.add (local.get $x) (local.get $j))))
        (local.set $a0 (f64x2.sub (f64x2.sub (v128.load (i32.add (local.get $row0) (local.get $j))) (f64x2.mul (local.get $U0) (local.get $wj))) (f64x2.mul (local.get $W0) (local.get $uj))))
        (local.set $a1 (f64x2.sub (f64x2.sub (v128.load (i32.add (local.get $row1) (local.get $j))) (f64x2.mul (local.get $U1) (local.get $wj))) (f64x2.mul (local.get $W1) (local.get $uj))))
        (v128.store (i32.add (local.get $row0) (local.get $j)) (local.get $a0))
        (v128.store (i32.add (local.get $row1) (local.get $j)) (local.get $a1))
        (local.set $S0 (f64x2.add (local.get $S0) (f64x2.mul (local.get $a0) (local.get $xj))))
        (local.set $S1 (f64x2.add (local.get $S1) (f64x2.mul (local.get $a1) (local.get $xj))))
        (v128.store (i32.add (local.get $p) (local.get $j))
          (f64x2.add (v128.load (i32.add (local.get $p) (local.get $j)))
            (f64x2.add (f64x2.mul (local.get $a0) (local.get $X0)) (f64x2.mul (local.get $a1) (local.get $X1)))))
        (local.set $j (i32.add (local.get $j) (i32.const 16)))
        (br $columns)))
      (local.set $s0 (f64.add (local.get $s0) (f64.add (f64x2.extract_lane 0 (local.get $S0)) (f64x2.extract_lane 1 (local.get $S0)))))
      (local.set $s1 (f64.add (local.get $s1) (f64.add (f64x2.extract_lane 0 (local.get $S1)) (f64x2.extract_lane 1 (local.get $S1)))))
      (if (i32.lt_s (local.get $j) (local.get $end)) (then
        (local.set $b0 (f64.sub (f64.sub (f64.load (i32.add (local.get $row0) (local.get $j))) (f64.mul (local.get $u0) (f64.load (i32.add (local.get $w) (local.get $j))))) (f64.mul (local.get $w0) (f64.load (i32.add (local.get $u) (local.get $j))))))
        (local.set $b1 (f64.sub (f64.sub (f64.load (i32.add (local.get $row1) (local.get $j))) (f64.mul (local.get $u1) (f64.load (i32.add (local.get $w) (local.get $j))))) (f64.mul (local.get $w1) (f64.load (i32.add (local.get $u) (local.get $j))))))
        (f64.store (i32.add (local.get $row0) (local.get $j)) (local.get $b0))
        (f64.store (i32.add (local.get $row1) (local.get $j)) (local.get $b1))
        (local.set $s0 (f64.add (local.get $s0) (f64.mul (local.get $b0) (f64.load (i32.add (local.get $x) (local.get $j))))))
        (local.set $s1 (f64.add (local.get $s1) (f64.mul (local.get $b1) (f64.load (i32.add (local.get $x) (local.get $j))))))
        (f64.store (i32.add (local.get $p) (local.get $j)) (f64.add (f64.load (i32.add (local.get $p) (local.get $j)))
          (f64.add (f64.mul (local.get $b0) (local.get $x0)) (f64.mul (local.get $b1) (local.get $x1)))))))
      (f64.store (i32.add (local.get $p) (local.get $i)) (f64.add (f64.load (i32.add (local.get $p) (local.get $i))) (local.get $s0)))
      (f64.store offset=8 (i32.add (local.get $p) (local.get $i)) (f64.add (f64.load offset=8 (i32.add (local.get $p) (local.get $i))) (local.get $s1)))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $rows)))
    (if (i32.lt_s (local.get $i) (local.get $end)) (then
      (local.set $row0 (i32.add (local.get $a) (i32.mul (i32.shr_u (local.get $i) (i32.const 3)) (local.get $stride))))
      (local.set $a00 (f64.sub (f64.load (i32.add (local.get $row0) (local.get $i))) (f64.mul (f64.const 2) (f64.mul (f64.load (i32.add (local.get $u) (local.get $i))) (f64.load (i32.add (local.get $w) (local.get $i)))))))
      (f64.store (i32.add (local.get $row0) (local.get $i)) (local.get $a00))
      (f64.store (i32.add (local.get $p) (local.get $i)) (f64.add (f64.load (i32.add (local.get $p) (local.get $i))) (f64.mul (local.get $a00) (f64.load (i32.add (local.get $x) (local.get $i)))))))))

  ;; Divide the upper triangle of the matrix at 0 by the power of two below its largest magnitude, so that squares cannot
  ;; overflow; returns that power. 0 for a matrix of zeros (and numbers below 2^-1022), NaN if any number is not finite.
  (func $normalise (param $d i32) (result f64)
    (local $i i32) (local $at i32) (local $end i32) (local $largest f64) (local $value f64) (local $scale f64) (local $factor f64)
    (block $measured (loop $rows
      (br_if $measured (i32.ge_s (local.get $i) (local.get $d)))
      (local.set $at (i32.shl (i32.add (i32.mul (local.get $i) (local.get $d)) (local.get $i)) (i32.const 3)))
      (local.set $end (i32.shl (i32.mul (i32.add (local.get $i) (i32.const 1)) (local.get $d)) (i32.const 3)))
      (loop $columns
        (local.set $value (f64.abs (f64.load (local.get $at))))
        (if (i32.eqz (f64.lt (local.get $value) (f64.const inf))) (then (return (f64.const nan))))
        (local.set $largest (f64.max (local.get $largest) (local.get $value)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $columns (i32.lt_s (local.get $at) (local.get $end))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $rows)))
    ;; The exponent's bits alone.
    (local.set $scale (f64.reinterpret_i64 (i64.and (i64.reinterpret_f64 (local.get $largest)) (i64.const 0x7ff0000000000000))))
    (if (f64.eq (local.get $scale) (f64.const 0)) (then (return (f64.const 0))))
    (local.set $factor (f64.div (f64.const 1) (local.get $scale)))
    (local.set $at (i32.const 0))
    (local.set $end (i32.shl (i32.mul (local.get $d) (local.get $d)) (i32.const 3)))
    (loop $all
      (f64.store (local.get $at) (f64.mul (local.get $factor) (f64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $all (i32.lt_s (local.get $at) (local.get $end))))
    (local.get $scale))

  ;; Reduce the matrix at 0 to tridiagonal form. Step k reflects row k's tail onto its first entry, A := H A H with
  ;; H = I - beta u uT, which is the rank-two update A - u wT - w uT. The update of one step waits and is applied while the
  ;; next step multiplies by A, so that each step walks the triangle once. $v has room for 4 vectors;
  ;; $off[k] couples k and k + 1, the last entry is 0.
  (func $tridiagonalise (param $d i32) (param $v i32) (param $diagonal i32) (param $off i32)
    (local $bytes i32) (local $u i32) (local $w i32) (local $nu i32) (local $nw i32) (local $t i32)
    (local $k i32) (local $next i32) (local $j i32) (local $row i32)
    (local $uk f64) (local $wk f64) (local $x f64) (local $tail f64) (local $head f64) (local $norm f64) (local $beta f64)
    (local $image f64) (local $product f64) (local $share f64)
    (local.set $bytes (i32.shl (local.get $d) (i32.const 3)))
    (local.set $u (local.get $v))
    (local.set $w (i32.add (local.get $u) (local.get $bytes)))
    (local.set $nu (i32.add (local.get $w) (local.get $bytes)))
    (local.set $nw (i32.add (local.get $nu) (local.get $bytes)))
    (memory.fill (local.get $v) (i32.const 0) (i32.shl (local.get $bytes) (i32.const 2)))
    ;; $k, $next and $j count bytes.
    (loop $steps
      (local.set $next (i32.add (local.get $k) (i32.const 8)))
      ;; The waiting update of this row.
      (local.set $uk (f64.load (i32.add (local.get $u) (local.get $k))))
      (local.set $wk (f64.load (i32.add (local.get $w) (local.get $k))))
      (local.set $j (local.get $k))
      (loop $waiting
        (local.set $t (i32.add (local.get $row) (local.get $j)))
        (f64.store (local.get $t) (f64.sub (f64.load (local.get $t)) (f64.add
          (f64.mul (local.get $uk) (f64.load (i32.add (local.get $w) (local.get $j))))
          (f64.mul (local.get $wk) (f64.load (i32.add (local.get $u) (local.get $j)))))))
        (local.set $j (i32.add (local.get $j) (i32.const 8)))
        (br_if $waiting (i32.lt_s (local.get $j) (local.get $bytes))))
      (f64.store (i32.add (local.get $diagonal) (local.get $k)) (f64.load (i32.add (local.get $row) (local.get $k))))
      (if (i32.eq (local.get $next) (local.get $bytes)) (then
        (f64.store (i32.add (local.get $off) (local.get $k)) (f64.const 0))
        (return)))
      ;; The reflector of the row's tail.
      (local.set $head (f64.load (i32.add (local.get $row) (local.get $next))))
      (local.set $tail (f64.const 0))
      (local.set $j (i32.add (local.get $next) (i32.const 8)))
      (block $reflected (loop $entries
        (br_if $reflected (i32.ge_s (local.get $j) (local.get $bytes)))
        (local.set $x (f64.load (i32.add (local.get $row) (local.get $j))))
        (f64.store (i32.add (local.get $nu) (local.get $j)) (local.get $x))
        (local.set $tail (f64.add (local.get $tail) (f64.mul (local.get $x) (local.get $x))))
        (local.set $j (i32.add (local.get $j) (i32.const 8)))
        (br $entries)))
      (if (f64.eq (local.get $tail) (f64.const 0))
        (then
          (local.set $beta (f64.const 0))
          (local.set $image (local.get $head))
          (f64.store (i32.add (local.get $nu) (local.get $next)) (local.get $head)))
        (else
          (local.set $norm (f64.sqrt (f64.add (f64.mul (local.get $head) (local.get $head)) (local.get $tail))))
          ;; The sign that cancels nothing.
          (local.set $image (select (f64.neg (local.get $norm)) (local.get $norm) (f64.gt (local.get $head) (f64.const 0))))
          (local.set $x (f64.sub (local.get $head) (local.get $image)))
          (f64.store (i32.add (local.get $nu) (local.get $next)) (local.get $x))
          (local.set $beta (f64.div (f64.const 2) (f64.add (f64.mul (local.get $x) (local.get $x)) (local.get $tail))))))
      (f64.store (i32.add (local.get $off) (local.get $k)) (local.get $image))
      (call $update (i32.const 0) (local.get $d) (i32.shr_u (local.get $next) (i32.const 3))
        (local.get $u) (local.get $w) (local.get $nu) (local.get $nw))
      (local.set $product (f64.const 0))
      (local.set $j (local.get $next))
      (loop $dot
        (local.set $product (f64.add (local.get $product) (f64.mul
          (f64.load (i32.add (local.get $nw) (local.get $j))) (f64.load (i32.add (local.get $nu) (local.get $j))))))
        (local.set $j (i32.add (local.get $j) (i32.const 8)))
        (br_if $dot (i32.lt_s (local.get $j) (local.get $bytes))))
      (local.set $share (f64.div (f64.mul (f64.mul (local.get $beta) (local.get $beta)) (local.get $product)) (f64.const 2)))
      (local.set $j (local.get $next))
      (loop $images
        (local.set $t (i32.add (local.get $nw) (local.get $j)))
        (f64.store (local.get $t) (f64.sub (f64.mul (local.get $beta) (f64.load (local.get $t)))
          (f64.mul (local.get $share) (f64.load (i32.add (local.get $nu) (local.get $j))))))
        (local.set $j (i32.add (local.get $j) (i32.const 8)))
        (br_if $images (i32.lt_s (local.get $j) (local.get $bytes))))
      (local.set $t (local.get $u)) (local.set $u (local.get $nu)) (local.set $nu (local.get $t))
      (local.set $t (local.get $w)) (local.set $w (local.get $nw)) (local.set $nw (local.get $t))
      (local.set $k (local.get $next))
      (local.set $row (i32.add (local.get $row) (local.get $bytes)))
      (br $steps)))

  ;; One implicit QL step with Wilkinson's shift on the unreduced block $low..$high (bytes): chase the bulge from its
  ;; bottom to its top.
  (func $sweep (param $diagonal i32) (param $off i32) (param $low i32) (param $high i32)
    (local $k i32) (local $dk i32) (local $ek i32)
    (local $coupling f64) (local $half f64) (local $root f64) (local $g f64) (local $sine f64) (local $cosine f64)
    (local $shift f64) (local $f f64) (local $b f64) (local $length f64) (local $turn f64)
    (local.set $dk (i32.add (local.get $diagonal) (local.get $low)))
    (local.set $coupling (f64.load (i32.add (local.get $off) (local.get $low))))
    (local.set $half (f64.div (f64.sub (f64.load offset=8 (local.get $dk)) (f64.load (local.get $dk)))
      (f64.mul (f64.const 2) (local.get $coupling))))
    (local.set $root (f64.sqrt (f64.add (f64.mul (local.get $half) (local.get $half)) (f64.const 1))))
    (local.set $g (f64.add
      (f64.sub (f64.load (i32.add (local.get $diagonal) (local.get $high))) (f64.load (local.get $dk)))
      (f64.div (local.get $coupling) (f64.add (local.get $half)
        (select (f64.neg (local.get $root)) (local.get $root) (f64.lt (local.get $half) (f64.const 0)))))))
    (local.set $sine (f64.const 1))
    (local.set $cosine (f64.const 1))
    (local.set $k (i32.sub (local.get $high) (i32.const 8)))
    (loop $chase
      (local.set $dk (i32.add (local.get $diagonal) (local.get $k)))
      (local.set $ek (i32.add (local.get $off) (local.get $k)))
      (local.set $f (f64.mul (local.get $sine) (f64.load (local.get $ek))))
      (local.set $b (f64.mul (local.get $cosine) (f64.load (local.get $ek))))
      (local.set $length (f64.sqrt (f64.add (f64.mul (local.get $f) (local.get $f)) (f64.mul (local.get $g) (local.get $g)))))
      (f64.store offset=8 (local.get $ek) (local.get $length))
      (if (f64.eq (local.get $length) (f64.const 0)) (then
        ;; The bulge vanished: the block splits here.
        (f64.store offset=8 (local.get $dk) (f64.sub (f64.load offset=8 (local.get $dk)) (local.get $shift)))
        (f64.store (i32.add (local.get $off) (local.get $high)) (f64.const 0))
        (return)))
      (local.set $sine (f64.div (local.get $f) (local.get $length)))
      (local.set $cosine (f64.div (local.get $g) (local.get $length)))
      (local.set $g (f64.sub (f64.load offset=8 (local.get $dk)) (local.get $shift)))
      (local.set $turn (f64.add
        (f64.mul (f64.sub (f64.load (local.get $dk)) (local.get $g)) (local.get $sine))
        (f64.mul (f64.mul (f64.const 2) (local.get $cosine)) (local.get $b))))
      (local.set $shift (f64.mul (local.get $sine) (local.get $turn)))
      (f64.store offset=8 (local.get $dk) (f64.add (local.get $g) (local.get $shift)))
      (local.set $g (f64.sub (f64.mul (local.get $cosine) (local.get $turn)) (local.get $b)))
      (local.set $k (i32.sub (local.get $k) (i32.const 8)))
      (br_if $chase (i32.ge_s (local.get $k) (local.get $low))))
    (local.set $dk (i32.add (local.get $diagonal) (local.get $low)))
    (f64.store (local.get $dk) (f64.sub (f64.load (local.get $dk)) (local.get $shift)))
    (f64.store (i32.add (local.get $off) (local.get $low)) (local.get $g))
    (f64.store (i32.add (local.get $off) (local.get $high)) (f64.const 0)))

  ;; Leaves the eigenvalues in $diagonal, unsorted, and destroys $off. Returns 0, or 2 if it does not converge.
  (func $ql (param $d i32) (param $diagonal i32) (param $off i32) (result i32)
    (local $last i32) (local $low i32) (local $high i32) (local $sweeps i32) (local $k i32) (local $negligible f64)
    (local.set $last (i32.shl (i32.sub (local.get $d) (i32.const 1)) (i32.const 3)))
    (loop $measure
      (local.set $negligible (f64.max (local.get $negligible) (f64.add
        (f64.abs (f64.load (i32.add (local.get $diagonal) (local.get $k))))
        (f64.abs (f64.load (i32.add (local.get $off) (local.get $k)))))))
      (local.set $k (i32.add (local.get $k) (i32.const 8)))
      (br_if $measure (i32.le_s (local.get $k) (local.get $last))))
    ;; 2^-52 of the largest: dropping it costs no more than the reduction's own rounding.
    (local.set $negligible (f64.mul (local.get $negligible) (f64.const 0x1p-52)))
    (loop $values
      (local.set $sweeps (i32.const 0))
      (block $settled (loop $again
        (local.set $high (local.get $low))
        (block $found (loop $search
          (br_if $found (i32.ge_s (local.get $high) (local.get $last)))
          (br_if $found (i32.eqz (f64.gt (f64.abs (f64.load (i32.add (local.get $off) (local.get $high)))) (local.get $negligible))))
          (local.set $high (i32.add (local.get $high) (i32.const 8)))
          (br $search)))
        (br_if $settled (i32.eq (local.get $high) (local.get $low)))
        ;; Two sweeps an eigenvalue are usual, 30 are called never; the bound only keeps a bug from hanging.
        (if (i32.eq (local.get $sweeps) (i32.const 100)) (then (return (i32.const 2))))
        (call $sweep (local.get $diagonal) (local.get $off) (local.get $low) (local.get $high))
        (local.set $sweeps (i32.add (local.get $sweeps) (i32.const 1)))
        (br $again)))
      (local.set $low (i32.add (local.get $low) (i32.const 8)))
      (br_if $values (i32.le_s (local.get $low) (local.get $last))))
    (i32.const 0))

  ;; Eigenvalues of the symmetric matrix whose upper triangle lies at 0, row-major [d, d], d >= 1; they are left behind it, at 8 d d,
  ;; in no order. The matrix is destroyed; memory must hold d (d + 6) numbers.
  ;; Returns 0; 1 if a number of the triangle is not finite; 2 if QL does not converge.
  (func (export "eigenvalues") (param $d i32) (result i32)
    (local $diagonal i32) (local $off i32) (local $v i32) (local $bytes i32) (local $k i32) (local $scale f64)
    (local.set $bytes (i32.shl (local.get $d) (i32.const 3)))
    (local.set $diagonal (i32.mul (local.get $d) (local.get $bytes)))
    (local.set $off (i32.add (local.get $diagonal) (local.get $bytes)))
    (local.set $v (i32.add (local.get $off) (local.get $bytes)))
    (local.set $scale (call $normalise (local.get $d)))
    (if (f64.ne (local.get $scale) (local.get $scale)) (then (return (i32.const 1))))
    (if (f64.eq (local.get $scale) (f64.const 0)) (then
      (memory.fill (local.get $diagonal) (i32.const 0) (local.get $bytes))
      (return (i32.const 0))))
    (call $tridiagonalise (local.get $d) (local.get $v) (local.get $diagonal) (local.get $off))
    (if (call $ql (local.get $d) (local.get $diagonal) (local.get $off)) (then (return (i32.const 2))))
    (loop $rescale
      (local.set $v (i32.add (local.get $diagonal) (local.get $k)))
      (f64.store (local.get $v) (f64.mul (local.get $scale) (f64.load (local.get $v))))
      (local.set $k (i32.add (local.get $k) (i32.const 8)))
      (br_if $rescale (i32.lt_s (local.get $k) (local.get $bytes))))
    (i32.const 0))
)

;; AdamW on stretches of vectors (adamw.ts says what it computes, walk.ts calls it). Made into adamw-kernel.ts by `npm run kernels`.
;; Pointers are bytes, numbers are f32; four are done at a time, so the places behind $n up to a multiple of 4 are written too.
(module
  (memory (export "memory") 1)

  ;; Every operation rounds by itself.
  (func (export "update") (param $theta i32) (param $m i32) (param $v i32) (param $gradient i32) (param $n i32)
    (param $clip f32) (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32)
    (param $correction1 f32) (param $correction2 f32) (param $epsilon f32) (param $decay f32) (param $rate f32)
    (local $i i32) (local $end i32) (local $g v128) (local $mk v128) (local $vk v128) (local $t v128)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
      (local.set $g (f32x4.mul (v128.load (i32.add (local.get $gradient) (local.get $i))) (f32x4.splat (local.get $clip))))
      (local.set $mk (f32x4.add
        (f32x4.mul (v128.load (i32.add (local.get $m) (local.get $i))) (f32x4.splat (local.get $beta1)))
        (f32x4.mul (local.get $g) (f32x4.splat (local.get $rest1)))))
      (local.set $vk (f32x4.add
        (f32x4.mul (v128.load (i32.add (local.get $v) (local.get $i))) (f32x4.splat (local.get $beta2)))
        (f32x4.mul (f32x4.mul (local.get $g) (local.get $g)) (f32x4.splat (local.get $rest2)))))
      (v128.store (i32.add (local.get $m) (local.get $i)) (local.get $mk))
      (v128.store (i32.add (local.get $v) (local.get $i)) (local.get $vk))
      (local.set $t (v128.load (i32.add (local.get $theta) (local.get $i))))
      (v128.store (i32.add (local.get $theta) (local.get $i))
        (f32x4.sub (local.get $t)
          (f32x4.mul
            (f32x4.add
              (f32x4.div
                (f32x4.mul (local.get $mk) (f32x4.splat (local.get $correction1)))
                (f32x4.add
                  (f32x4.sqrt (f32x4.mul (local.get $vk) (f32x4.splat (local.get $correction2))))
                  (f32x4.splat (local.get $epsilon))))
              (f32x4.mul (local.get $t) (f32x4.splat (local.get $decay))))
            (f32x4.splat (local.get $rate)))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $next))))

  ;; The sum of $n squares, in f64; $n is a multiple of 4.
  (func (export "squares") (param $x i32) (param $n i32) (result f64)
    (local $i i32) (local $end i32) (local $four v128) (local $low v128) (local $high v128) (local $sum v128)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $end)))
      (local.set $four (v128.load (i32.add (local.get $x) (local.get $i))))
      (local.set $low (f64x2.promote_low_f32x4 (local.get $four)))
      (local.set $high (f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $four) (local.get $four))))
      (local.set $sum (f64x2.add (local.get $sum) (f64x2.add
        (f64x2.mul (local.get $low) (local.get $low))
        (f64x2.mul (local.get $high) (local.get $high)))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br $next)))
    (f64.add (f64x2.extract_lane 0 (local.get $sum)) (f64x2.extract_lane 1 (local.get $sum)))))

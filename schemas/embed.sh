#!/bin/bash
# Prints an assembler file that holds the given files of schemas/ and the table embedded_files (base/embedded.h).
set -euo pipefail
echo '.section .note.GNU-stack,"",@progbits'
echo '.section .rodata'
n=0
for file in "$@"; do
    printf 'file%d: .incbin "%s"\nfile%d_end:\nname%d: .asciz "%s"\n' $n "$file" $n $n "${file#schemas/}"
    n=$((n + 1))
done
echo '.section .data.rel.ro,"aw"'
echo '.balign 8'
echo '.globl embedded_files'
echo '.type embedded_files, @object'
echo 'embedded_files:'
for ((i = 0; i < n; i++)); do
    printf '.quad name%d, file%d, file%d_end\n' $i $i $i
done
echo '.quad 0, 0, 0'
echo '.size embedded_files, . - embedded_files'

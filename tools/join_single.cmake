# Join the archives of single precision to one object, in which only ENTRY keeps a name that other
# objects see. So the functions have the same names as those of double precision and do not meet
# them. Functions for several instruction sets are in groups, of which a linker keeps one of each
# name: the groups are dissolved. An unresolved function would be taken from double precision:
# there may be none.
#
# cmake -DLINKER= -DOBJCOPY= -DNM= -DENTRY= -DARCHIVES="a;b" -DOBJECT= -P join_single.cmake
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status)
    message(FATAL_ERROR "${ARGN}: ${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()
run(${LINKER} -r --force-group-allocation -u ${ENTRY} -o ${OBJECT} --start-group ${ARCHIVES} --end-group)
run(${NM} --undefined-only ${OBJECT})
string(REGEX MATCHALL "hesse_[a-z0-9_]+" missing "${output}")
if(missing)
  file(REMOVE ${OBJECT})
  message(FATAL_ERROR "not compiled for single precision: ${missing}")
endif()
run(${OBJCOPY} --keep-global-symbol=${ENTRY} ${OBJECT})

# CPack runs this before it makes the Debian packages: Debian's policy wants a compressed man page,
# and a copyright file and a changelog in every package.
file(GLOB components LIST_DIRECTORIES true ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
foreach(component IN LISTS components)
  get_filename_component(name ${component} NAME)
  string(TOUPPER ${name} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(folder ${component}/usr/share/doc/${package})
  file(MAKE_DIRECTORY ${folder})
  configure_file(${CPACK_HESSE_SOURCE}/LICENSE ${folder}/copyright COPYONLY)
  string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE ${folder}/changelog.Debian
       "${package} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
       "  * Built from the source of this version.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
  file(GLOB files ${folder}/changelog.Debian ${component}/usr/share/man/man1/*.1)
  foreach(file IN LISTS files)
    execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()

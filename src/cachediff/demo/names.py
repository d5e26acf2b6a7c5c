"""The names that a made-up cache is filled with: data only."""

REAL = """
abseil-cpp cmake 20230802.1 20240116.2 20240722.0 | cxxstd=14 +shared
adios2 cmake 2.9.2 2.10.0 2.10.1 2.10.2 | ~cuda +fortran +hdf5 +mpi ~python +shared +zfp
amrex cmake 24.10 24.11 25.01 25.02 | ~cuda dimensions=3 ~fortran +linear_solvers +mpi ~openmp
arborx cmake 1.5 1.6 1.7 | ~cuda +mpi ~openmp +serial
arpack-ng cmake 3.8.0 3.9.0 3.9.1 | ~icb +mpi +shared
ascent cmake 0.9.2 0.9.3 | ~cuda +mpi +openmp +python +shared +vtkh
autoconf autotools 2.71 2.72 | patches=35c4492,7793209,a49dd5b
automake autotools 1.16.3 1.16.5 |
axom cmake 0.9.0 0.10.0 0.10.1 | ~cuda +hdf5 +mpi +openmp +raja +shared
bats generic 1.10.0 1.11.0 |
berkeley-db autotools 18.1.40 | +cxx ~docs +stl patches=26090f4,b231fcc
bison autotools 3.7.6 3.8.2 | ~color
blt generic 0.5.3 0.6.2 0.7.0 |
boost generic 1.85.0 1.86.0 1.87.0 | +atomic ~context cxxstd=17 +filesystem ~mpi ~python +shared
bzip2 generic 1.0.6 1.0.8 | ~debug ~pic +shared
c-blosc2 cmake 2.11.1 2.15.1 2.15.2 | +avx2 +lz4 +zlib +zstd
cabana cmake 0.6.1 0.7.0 | ~cuda ~hypre +mpi +shared
caliper cmake 2.11.0 2.12.1 | +adiak ~cuda +gotcha +mpi +shared
chai cmake 2024.02.2 2024.07.0 | ~cuda +mpi +openmp +raja +shared
cmake generic 3.27.9 3.30.5 3.31.5 3.31.6 | ~doc +ncurses +ownlibs ~qtgui
conduit cmake 0.8.8 0.9.2 0.9.3 | ~fortran +hdf5 +mpi +python +shared
cp2k cmake 2024.3 2025.1 | ~cuda +dlaf +libint +libxc +mpi +openmp smm=libxsmm
cuda generic 11.8.0 12.4.1 12.6.3 12.8.0 | ~allow-unsupported-compilers ~dev
curl autotools 8.7.1 8.10.1 8.11.1 | ~gssapi +ldap libs=shared,static +nghttp2 tls=openssl
darshan-runtime autotools 3.4.5 3.4.6 | +apmpi ~hdf5 +mpi scheduler=NONE
diffutils autotools 3.8 3.10 |
double-conversion cmake 3.2.1 3.3.0 |
dyninst cmake 12.3.0 13.0.0 | +openmp ~static ~stat_dysect
eigen cmake 3.3.9 3.4.0 | ~nightly
expat autotools 2.6.3 2.6.4 | +libbsd
fftw autotools 3.3.9 3.3.10 | +mpi ~openmp ~pfft_patches precision=double,float +shared
flecsi cmake 2.2.1 2.3.0 2.3.2 | backend=mpi ~cuda ~doc +shared
flex autotools 2.6.3 2.6.4 | +lex ~nls patches=f8b85a0
flux-core autotools 0.66.0 0.67.0 | ~cuda ~docs ~security
fmt cmake 10.2.1 11.0.2 11.1.4 | cxxstd=11 ~pic +shared
gawk autotools 5.2.1 5.3.1 | ~nls
gcc autotools 12.3.0 13.3.0 14.2.0 | +binutils ~bootstrap languages=c,c++,fortran ~nvptx
gdal cmake 3.8.5 3.10.0 3.10.1 | +curl ~hdf5 +python +shared
geant4 cmake 11.2.2 11.3.0 | cxxstd=17 ~hdf5 ~opengl +threads ~vecgeom
gettext autotools 0.22.5 0.23.1 | +bzip2 +curses +git ~libunistring +tar
ginkgo cmake 1.7.0 1.8.0 1.9.0 | +cuda cuda_arch=80 ~mpi +openmp ~rocm +shared
git autotools 2.45.2 2.47.0 2.48.1 | ~nls +perl +subtree ~svn ~tcltk
gmake generic 4.4 4.4.1 | ~guile
gmp autotools 6.2.1 6.3.0 | +cxx libs=shared,static
googletest cmake 1.14.0 1.15.2 | +gmock +pthreads +shared
hdf5 cmake 1.12.3 1.14.3 1.14.5 1.14.6 | ~cxx ~fortran ~hl ~java +map +mpi +shared ~szip +tools
heffte cmake 2.4.0 2.4.1 | ~cuda +fftw ~python +shared
hepmc3 cmake 3.2.7 3.3.0 | +interfaces ~protobuf ~python ~rootio
hpctoolkit meson 2024.01.1 2025.0.0 | ~cuda +mpi +papi +viewer
hpx cmake 1.9.1 1.10.0 | ~cuda cxxstd=17 malloc=tcmalloc max_cpu_count=auto networking=mpi
hwloc autotools 2.9.3 2.11.1 | ~cairo ~cuda libs=shared,static ~libudev +libxml2 +pci
hypre autotools 2.31.0 2.32.0 | ~cuda ~int64 +mpi ~openmp +shared +superlu-dist
icu4c autotools 74.2 75.1 76.1 | cxxstd=11
json-c cmake 0.16 0.18 |
kokkos cmake 4.4.01 4.5.00 4.5.01 | ~cuda cxxstd=17 ~openmp +serial +shared ~wrapper
kokkos-kernels cmake 4.4.01 4.5.00 4.5.01 | ~blas ~cuda ~openmp scalars=double +shared
krb5 autotools 1.21.2 1.21.3 | +shared
lammps cmake 20230802.4 20240829.1 | +asphere ~cuda +kspace +manybody +mpi +openmp +rigid
legion cmake 24.03.0 24.06.0 24.12.0 | ~cuda ~fortran network=none +openmp +shared
libceed makefile 0.12.0 | ~cuda +libxsmm +occa
libevent autotools 2.1.8 2.1.12 | +openssl
libfabric autotools 1.20.1 1.22.0 2.0.0 | ~cuda ~debug fabrics=sockets,tcp,udp ~kdreg
libffi autotools 3.4.6 3.4.7 |
libiconv autotools 1.16 1.17 | libs=shared,static
libpng cmake 1.6.39 1.6.47 | libs=shared,static ~pic
libsigsegv autotools 2.13 2.14 |
libtool autotools 2.4.6 2.4.7 |
libunwind autotools 1.8.1 | ~block_signals components=none +pic +xz
libxc cmake 6.2.2 7.0.0 | +fortran ~kxc +shared
libxml2 autotools 2.11.9 2.13.4 2.13.5 | +pic ~python +shared
likwid makefile 5.3.0 5.4.1 | accessmode=accessdaemon ~cuda +fortran
llvm cmake 17.0.6 18.1.8 19.1.7 | +clang ~flang +gold +libomptarget +lld targets=all
lz4 cmake 1.9.4 1.10.0 | libs=shared,static +pic
m4 autotools 1.4.18 1.4.19 | +sigsegv patches=9dc5fbd,bfdffa7
magma cmake 2.7.2 2.8.0 | amdgpu_target=gfx90a ~cuda +fortran +rocm +shared
meson python_pip 1.5.1 1.7.0 |
metis cmake 5.1.0 | ~gdb ~int64 ~real64 +shared patches=4991da9,93a7903
mfem generic 4.6.0 4.7.0 | ~cuda +gslib +hypre +metis +mpi ~openmp +shared ~static
mpc autotools 1.2.1 1.3.1 | libs=shared,static
mpfr autotools 4.2.0 4.2.1 | libs=shared,static
mpich autotools 4.1.2 4.2.2 4.2.3 | ~cuda device=ch4 +fortran +hwloc netmod=ofi pmi=default
ncurses autotools 6.4 6.5 | ~symlinks +termlib abi=none patches=7a351bc
netcdf-c cmake 4.9.0 4.9.2 | +blosc ~dap +mpi +shared +zstd
nghttp2 autotools 1.64.0 1.65.0 |
ninja generic 1.11.1 1.12.1 | +re2c
openblas makefile 0.3.27 0.3.28 0.3.29 | ~bignuma ~ilp64 +pic +shared threads=none
openmpi autotools 4.1.7 5.0.5 5.0.6 5.0.7 | +atomics ~cuda fabrics=none ~lustre schedulers=none
openssl generic 3.3.1 3.4.0 3.4.1 | certs=mozilla ~docs +shared
papi autotools 7.0.1 7.1.0 | +example ~infiniband ~nvml ~powercap +shared
parallel-netcdf autotools 1.12.3 1.14.0 | ~burstbuffer +cxx +fortran +shared
paraview cmake 5.12.1 5.13.1 5.13.2 | ~cuda ~fortran +mpi +openpmd +python ~qt +shared
parmetis cmake 4.0.3 | ~gdb ~int64 +shared patches=4f89253,50ed208,704b84f
pcre2 autotools 10.43 10.44 | +jit +multibyte
perl generic 5.38.2 5.40.0 | +cpanm +opcode +open +shared +threads
petsc generic 3.21.6 3.22.3 3.22.4 | +batch ~cuda ~debug +fortran +hdf5 +hypre +mpi +shared
pkgconf autotools 1.9.5 2.2.0 2.3.0 |
plumed autotools 2.9.1 2.9.2 | +gsl +mpi optional_modules=all +shared arrayfire=none
py-nose python_pip 1.3.7 |
py-numpy python_pip 1.26.4 2.1.3 2.2.3 | patches=873745d
py-pip python_pip 23.1.2 24.0 25.0 |
py-scipy python_pip 1.14.1 1.15.1 1.15.2 |
py-setuptools generic 59.4.0 69.2.0 76.0.0 78.1.0 |
py-torch python_pip 2.5.1 2.6.0 | ~cuda ~debug +distributed +fbgemm +gloo +kineto +mkldnn +numpy
py-wheel generic 0.41.2 0.45.1 |
python generic 3.10.16 3.11.11 3.12.9 3.13.2 | +bz2 ~debug +lzma +optimizations +shared ~tkinter
raja cmake 2024.02.2 2024.07.0 | ~cuda +examples +openmp +shared ~vectorization
readline autotools 8.1 8.2 | patches=1ea4349,24f587b,3d9885e
root cmake 6.30.06 6.32.08 6.34.04 | cxxstd=20 +fftw +gsl ~oracle +python +tmva +x
scalapack cmake 2.2.0 2.2.2 | ~pic +shared
slepc generic 3.21.2 3.22.2 | +arpack ~blopex ~cuda ~hpddm
spdlog cmake 1.14.1 1.15.1 | +fmt_external +shared
sqlite autotools 3.43.2 3.46.0 | +column_metadata +dynamic_extensions +fts +rtree
strumpack cmake 7.1.0 8.0.0 | +butterflypack ~cuda +mpi +openmp +shared +zfp
suite-sparse generic 7.7.0 7.8.3 | ~cuda ~graphblas +openmp +pic
sundials cmake 6.7.0 7.1.1 7.2.1 | +arkode ~cuda +cvode +ida +kinsol +mpi ~openmp +shared
superlu-dist cmake 8.2.1 9.0.0 9.1.0 | ~cuda ~int64 +openmp +parmetis +shared
swig autotools 4.1.1 4.2.1 4.3.0 |
tar autotools 1.34 1.35 | zip=pigz
tau generic 2.33.2 2.34 2.34.1 | +binutils ~cuda +fortran +mpi +openmp +otf2 +papi +python
trilinos cmake 14.4.0 16.0.0 16.1.0 | +amesos2 ~cuda +epetra +ifpack2 +mpi +openmp +shared +tpetra
umpire cmake 2024.02.1 2024.07.0 | +c ~cuda +examples +openmp +shared
util-linux-uuid autotools 2.40.2 2.41 |
vtk-m cmake 2.1.0 2.2.0 | ~64bitids ~cuda +mpi +openmp +rendering +shared
xz autotools 5.4.7 5.6.3 | ~pic libs=shared,static
zfp cmake 0.5.5 1.0.0 1.0.1 | ~cuda ~fortran +python +shared bsws=64
zlib-ng autotools 2.1.6 2.2.3 2.2.4 | +compat +new_strategies +opt +pic +shared
zstd makefile 1.5.5 1.5.6 1.5.7 | compression=none libs=shared,static +programs
"""
"""One real Spack package a line: name, build system, versions (oldest first) | its own variants."""

WORDS = """
aio algebra api arg array async audio base batch bayes bio block cache chart class cli cloud
cluster code color config core crypto csv data date db dict diff dist doc event exif fast file fit
flow font forest format func gene geo git graph grid hash html http image index ini io json kernel
key lang lazy link list lock log loss map markov math matrix mesh meta metric mime mix model
module net number object optim option parse patch path pdf pipe plot plugin poly pool probe proto
queue rand regex render rest rule sample schema scope seq serial shell signal sort spatial spec
spline sql stat stream string struct style survey sync syntax table tag task tensor term test text
thread tidy time token tool tree type unit uri utf vector web widget word xml yaml zip
"""
"""What the names of made-up packages are put together from."""

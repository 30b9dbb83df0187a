! SPDX-License-Identifier: MIT
!> Mass distributions of droplets, bins and Golovin's solution, for the figure of
!> docs/rain.md.
!>
!> Lines `kernel method minutes radius g`: g = 3 x^2 n(x) is mass per volume and logarithm
!> of radius [kg m-3], radius in m. Droplets: mean of 10 realizations of 8192.
program rain_spectra
  use, intrinsic :: iso_fortran_env, only: output_unit
  use kinds, only: wp
  use rain_bins, only: rain_bins_t
  use rain_drops, only: cloud_t, mass_of_radius, radius_of_mass
  use rain_golovin, only: golovin_density
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: superdroplets_t
  implicit none

  integer, parameter :: n_classes = 100, n_members = 10, n_droplets = 8192
  real(wp), parameter :: width = 0.1_wp            !! of a class, in ln(radius)
  real(wp), parameter :: first_radius = 1.0e-6_wp  !! [m]
  type(cloud_t) :: cloud

  ! Shima et al. (2009), section 5.1.4.
  cloud = cloud_t(2.0_wp**23*mass_of_radius(30.531e-6_wp), 30.531e-6_wp, 0.0_wp)
  call follow("golovin", cloud, 100.0_wp)
  ! Bott (1998): exponential, 1 g m-3, 10 um.
  cloud = cloud_t(1.0e-3_wp, 10.0e-6_wp, 0.0_wp)
  call follow("long", cloud, 10.0_wp)
  call follow("hall", cloud, 10.0_wp)

contains

  !> 60 minutes by all methods.
  subroutine follow(name, cloud, volume)
    character(len=*), intent(in) :: name
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: volume !! [m3]

    type(kernel_t) :: kernel
    real(wp) :: g(n_classes, 0:6)
    integer :: i

    call kernel%setup(name)
    call by_droplets(kernel, cloud, volume, g)
    call print_classes(name//" droplets", g)
    call by_bins(kernel, cloud, name)
    if (name /= "golovin") return
    do i = 0, 6
      g(:, i) = 3.0_wp*middle_masses()**2*golovin_density(cloud, kernel%golovin_b, &
        600.0_wp*i, middle_masses())
    end do
    call print_classes(name//" exact", g)
  end subroutine follow

  !> Masses in the middle of the classes [kg].
  pure function middle_masses() result(x)
    real(wp) :: x(n_classes)

    integer :: i

    x = mass_of_radius(first_radius*exp(width*[(i - 0.5_wp, i=1, n_classes)]))
  end function middle_masses

  subroutine by_droplets(kernel, cloud, volume, g)
    type(kernel_t), intent(in) :: kernel
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: volume            !! [m3]
    real(wp), intent(out) :: g(n_classes, 0:6) !! [kg m-3] (class, 10 minutes)

    type(proposal_t) :: proposal
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    integer :: i, j, member

    call proposal%setup(cloud, volume, n_droplets, "tail")
    g = 0.0_wp
    do member = 1, n_members
      call stream%seed(1, 0, member)
      call proposal%draw(kernel, stream, drops)
      do i = 0, 6
        call add_classes(drops, g(:, i))
        if (i == 6) exit
        do j = 1, 600
          call drops%step(kernel, 1.0_wp, 10, stream)
        end do
      end do
    end do
    g = g/n_members
  end subroutine by_droplets

  !> Add the mass of the drops to their classes.
  subroutine add_classes(drops, g)
    type(superdroplets_t), intent(in) :: drops
    real(wp), intent(inout) :: g(n_classes) !! [kg m-3]

    integer :: class, i

    do i = 1, drops%n
      class = 1 + floor(log(radius_of_mass(drops%quantum*drops%drops(1, i))/first_radius) &
        /width)
      if (class < 1 .or. class > n_classes) cycle
      g(class) = g(class) + drops%drops(1, i)*drops%drops(2, i)*drops%quantum &
        /(drops%volume*width)
    end do
  end subroutine add_classes

  subroutine by_bins(kernel, cloud, name)
    type(kernel_t), intent(in) :: kernel
    type(cloud_t), intent(in) :: cloud
    character(len=*), intent(in) :: name

    integer, parameter :: per_doubling = 12
    type(rain_bins_t) :: bins
    integer :: i, j

    call bins%setup(per_doubling, kernel)
    call bins%start(cloud)
    do i = 0, 6
      do j = 1, bins%n
        if (bins%mass(j) < mass_of_radius(first_radius)) cycle
        write (output_unit, "(2a, i4, 2es15.5e3)") name, " bins", 10*i, &
          radius_of_mass(bins%mass(j)), &
          bins%mass(j)*bins%number(j)*3*per_doubling/log(2.0_wp)
      end do
      if (i == 6) exit
      do j = 1, 60
        call bins%step(10.0_wp)
      end do
    end do
  end subroutine by_bins

  subroutine print_classes(label, g)
    character(len=*), intent(in) :: label
    real(wp), intent(in) :: g(n_classes, 0:6) !! [kg m-3]

    integer :: i, j

    do i = 0, 6
      do j = 1, n_classes
        write (output_unit, "(a, i4, 2es15.5e3)") label, 10*i, &
          first_radius*exp(width*(j - 0.5_wp)), g(j, i)
      end do
    end do
  end subroutine print_classes

end program rain_spectra
